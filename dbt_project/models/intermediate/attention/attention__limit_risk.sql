{{ config(tags=['after_scoring']) }}
{# Grain: one row per trader whose limit risk is High this morning: a forecast, no fact. #}
with

risk_calls as (
    select
        trader_id,
        prediction_date,
        limit_risk,
        limit_loss_probability,
        daily_loss_limit_amount,
        is_limit_set,
        limit_reason
    from {{ ref('risk_calls') }}
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select
        'limit_risk' as kind,
        3 as severity,
        'trader' as scope_type,
        risk_calls.trader_id as scope_name,
        risk_calls.prediction_date as trade_date,
        'daily_loss' as rule,
        cast(null as decimal(38, 8)) as amount,
        risk_calls.daily_loss_limit_amount as limit_value,
        risk_calls.limit_loss_probability as ratio,
        cast(null as bigint) as days_count,
        cast(null as timestamp) as occurred_at,
        'chance of losing more than '
        || {{ dollars_text('risk_calls.daily_loss_limit_amount') }}
        || case
            when risk_calls.is_limit_set then ' (the limit)'
            else ' (the default: no limit is set)'
        end
        || ' today: ' || cast(round(100 * risk_calls.limit_loss_probability) as integer) || ' %'
            as fact,
        risk_calls.limit_reason as comparison,
        'Watch from the open' as what_to_do
    from risk_calls
    inner join run_context on risk_calls.prediction_date = run_context.prediction_date
    where risk_calls.limit_risk = 'High'
)

select * from final
