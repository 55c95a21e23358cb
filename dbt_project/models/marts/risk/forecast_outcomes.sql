{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per forecast whose prediction date is over: what happened.
    A trader who did not trade that day has no outcome: neither hit nor miss. Nor has one
    of whom it is unknown: all fills are of unknown contract size, or did not arrive.
#}
with

risk_calls as (
    select
        trader_id,
        prediction_date,
        risk_level,
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        loss_probability,
        limit_loss_probability,
        daily_loss_limit_amount,
        policy,
        is_trial,
        position_multiplier,
        model
    from {{ ref('risk_calls') }}
),

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl
    from {{ ref('int_trader_days') }}
),

uncounted_days as (
    select distinct
        trader_id,
        trade_date
    from {{ ref('int_fills_current') }}
    where lacks_multiplier
),

traders_unknown as (
    select
        trader_id,
        last_traded_date
    from {{ ref('trader_status') }}
    where idle_sessions_count is null
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select
        ---------- keys
        risk_calls.trader_id,
        risk_calls.prediction_date,
        ---------- the forecast
        risk_calls.risk_level,
        risk_calls.model,
        risk_calls.predicted_pnl,
        risk_calls.predicted_pnl_p05,
        risk_calls.predicted_pnl_p50,
        risk_calls.predicted_pnl_p95,
        risk_calls.loss_probability,
        risk_calls.limit_loss_probability,
        risk_calls.daily_loss_limit_amount,
        risk_calls.policy,
        risk_calls.is_trial,
        risk_calls.position_multiplier,
        ---------- what happened
        cast(trader_days.net_pnl as decimal(38, 8)) as actual_net_pnl,
        case
            when trader_days.trader_id is not null then true
            when
                uncounted_days.trader_id is not null
                or traders_unknown.last_traded_date < risk_calls.prediction_date
                then null
            else false
        end as has_traded,
        trader_days.net_pnl < 0 as is_loss,
        trader_days.net_pnl < -risk_calls.daily_loss_limit_amount as is_limit_breached,
        (risk_calls.predicted_pnl < 0) = (trader_days.net_pnl < 0) as is_direction_hit,
        trader_days.net_pnl between risk_calls.predicted_pnl_p05
        and risk_calls.predicted_pnl_p95 as is_inside_interval,
        -- What trading at the advised size would have changed; positive is saved.
        {{ advised_size_effect('risk_calls.position_multiplier', 'trader_days.net_pnl') }}
            as advised_size_effect
    from risk_calls
    inner join run_context on risk_calls.prediction_date < run_context.as_of_date
    left join trader_days
        on
            risk_calls.trader_id = trader_days.trader_id
            and risk_calls.prediction_date = trader_days.trade_date
    left join uncounted_days
        on
            risk_calls.trader_id = uncounted_days.trader_id
            and risk_calls.prediction_date = uncounted_days.trade_date
    left join traders_unknown on risk_calls.trader_id = traders_unknown.trader_id
)

select * from final
