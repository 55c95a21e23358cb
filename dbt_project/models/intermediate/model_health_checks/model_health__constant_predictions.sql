{# Grain: one row: predictions of models that say the same of every trader. #}
{% set minimum_traders_count = 5 %}

with

predictions_today as (
    select
        model,
        predicted_pnl,
        loss_probability,
        loss_model,
        pnl_model
    from {{ ref('int_predictions_today') }}
),

-- Equal by right is what a baseline gives: zero for everybody, one rate for all.
learned_outputs as (
    select
        model,
        case
            when pnl_model not in {{ learned_models() }} then null
            else predicted_pnl
        end as predicted_pnl,
        case
            when loss_model not in {{ learned_models() }} then null
            else loss_probability
        end as loss_probability
    from predictions_today
    where model = 'champion' or model in {{ learned_models() }}
),

collapsed_models as (
    select
        model,
        count(*) as predictions_count
    from learned_outputs
    group by model
    having
        (
            count(predicted_pnl) >= {{ minimum_traders_count }}
            and max(predicted_pnl) - min(predicted_pnl) <= 0.01
        )
        or (
            count(loss_probability) >= {{ minimum_traders_count }}
            and max(loss_probability) - min(loss_probability) <= 0.000001
        )
),

final as (
    select
        'constant_predictions' as check_name,
        coalesce(sum(predictions_count), 0) as found_count,
        'predictions are the same for every trader (model: '
        || {{ joined_text('model', "', '", 'model') }} || ')' as finding
    from collapsed_models
)

select * from final
