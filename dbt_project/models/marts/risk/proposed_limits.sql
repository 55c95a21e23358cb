{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader of this morning's forecasts: limits that the trader's own
    days propose, beside the one in force, and how often each would have been passed.
    One in twenty is the loss that the forecast passes on one day in twenty; the multiple
    is that of the trader's usual day. Days looked back on are the last ones with P&L.
#}
with

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

forecasts as (
    select
        risk_calls.trader_id,
        risk_calls.prediction_date,
        risk_calls.is_limit_set,
        risk_calls.daily_loss_limit_amount,
        risk_calls.predicted_pnl_p05
    from {{ ref('risk_calls') }} as risk_calls
    inner join run_context
        on risk_calls.prediction_date = run_context.prediction_date
),

trader_days as (
    select
        trader_id,
        net_pnl,
        row_number() over (partition by trader_id order by trade_date desc) as recency
    from {{ ref('int_trader_days') }}
),

recent_days as (
    select
        trader_id,
        net_pnl
    from trader_days
    where recency <= {{ var('proposed_limit_days') }}
),

usual_days as (
    select
        trader_id,
        count(*) as days_count,
        avg(abs(cast(net_pnl as double))) as usual_amount
    from recent_days
    group by trader_id
),

limits as (
    select
        forecasts.trader_id,
        forecasts.prediction_date,
        forecasts.is_limit_set,
        forecasts.daily_loss_limit_amount,
        cast(
            case
                when forecasts.predicted_pnl_p05 < 0
                    then ceiling(-forecasts.predicted_pnl_p05 / 10) * 10
            end as decimal(18, 8)
        ) as one_in_twenty_amount,
        cast(
            ceiling({{ var('proposed_limit_usual_days') }} * usual_days.usual_amount / 10)
            * 10 as decimal(18, 8)
        ) as usual_days_amount,
        coalesce(usual_days.days_count, 0) as days_count
    from forecasts
    left join usual_days on forecasts.trader_id = usual_days.trader_id
),

passed as (
    select
        limits.trader_id,
        {% for limit in ['daily_loss_limit', 'one_in_twenty', 'usual_days'] -%}
            {{ count_where(
                'recent_days.net_pnl < -limits.' ~ limit ~ '_amount'
            ) }} as {{ limit }}_passed_count
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from limits
    inner join recent_days on limits.trader_id = recent_days.trader_id
    group by limits.trader_id
),

final as (
    select
        ---------- keys
        limits.trader_id,
        limits.prediction_date,
        ---------- limits
        limits.is_limit_set,
        limits.daily_loss_limit_amount,
        limits.one_in_twenty_amount,
        limits.usual_days_amount,
        ---------- how often the last days passed them
        limits.days_count,
        coalesce(passed.daily_loss_limit_passed_count, 0) as daily_loss_limit_passed_count,
        case
            when limits.one_in_twenty_amount is not null
                then coalesce(passed.one_in_twenty_passed_count, 0)
        end as one_in_twenty_passed_count,
        case
            when limits.usual_days_amount is not null
                then coalesce(passed.usual_days_passed_count, 0)
        end as usual_days_passed_count
    from limits
    left join passed on limits.trader_id = passed.trader_id
)

select * from final
