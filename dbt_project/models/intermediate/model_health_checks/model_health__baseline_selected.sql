{# Grain: one row: outputs of this morning's forecasts that come from a baseline. #}
{% set outputs = [
    ('chance of breaching the limit', 'breach_model'),
    ('chance of losing in trading', 'realised_loss_model'),
    ('loss probability', 'loss_model'),
    ('size', 'size_model'),
    ('expected P&L', 'pnl_model'),
    ('quantiles', 'quantiles_model'),
] %}

with

risk_calls_today as (
    select
        loss_model,
        realised_loss_model,
        breach_model,
        size_model,
        pnl_model,
        quantiles_model
    from {{ ref('int_risk_calls_today') }}
),

selected_outputs as (
    {% for output, model_column in outputs %}
        select
            {{ loop.index }} as output_order,
            '{{ output }}' as output_name,
            {{ model_column }} as selected_model
        from risk_calls_today
        {{ "union all" if not loop.last }}
    {% endfor %}
),

baseline_outputs as (
    select
        output_order,
        output_name || ' (' || selected_model || ' for ' || count(*) || ')'
            as output_text
    from selected_outputs
    where selected_model not in {{ learned_models() }}
    group by output_order, output_name, selected_model
),

final as (
    select
        'baseline_selected' as check_name,
        count(distinct output_order) as found_count,
        'of six outputs come from a baseline that no model significantly improves on: '
        || {{ joined_text('output_text', "', '", 'output_order, output_text') }}
            as finding
    from baseline_outputs
)

select * from final
