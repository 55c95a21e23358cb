{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per forecast whose prediction date is over: what happened.
    A trader who did not trade that day has no outcome, neither hit nor miss, unless there
    was P&L all the same (an expiry). Nor has a trader whose P&L is unknown: fills of an account
    are of unknown contract size, have no exchange rate, or did not arrive; what the other accounts made is not the
    trader's day. Loss, direction and interval are of realized P&L, as the label does; the
    limit is held against total P&L too, where that is known, traded or not.
#}
with

risk_calls as (
    select
        trader_id,
        prediction_date,
        limit_risk,
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
        net_pnl,
        is_traded_day
    from {{ ref('int_trader_days') }}
),

spans as (
    select
        account_id,
        unknown_from,
        unknown_until
    from {{ ref('int_unknown_trading_spans') }}
),

total_pnl_days as (
    select
        trader_id,
        trade_date,
        total_pnl
    from {{ ref('fct_trader_total_pnl') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

calls_unknown as (
    select distinct
        risk_calls.trader_id,
        risk_calls.prediction_date
    from risk_calls
    inner join account_traders
        on
            risk_calls.trader_id = account_traders.trader_id
            and risk_calls.prediction_date >= account_traders.valid_from
            and risk_calls.prediction_date < account_traders.valid_to
    inner join spans
        on
            account_traders.account_id = spans.account_id
            and risk_calls.prediction_date >= spans.unknown_from
            and risk_calls.prediction_date <= spans.unknown_until
),

known_days as (
    select trader_days.*
    from trader_days
    left join calls_unknown
        on
            trader_days.trader_id = calls_unknown.trader_id
            and trader_days.trade_date = calls_unknown.prediction_date
    where calls_unknown.trader_id is null
),

final as (
    select
        ---------- keys
        risk_calls.trader_id,
        risk_calls.prediction_date,
        ---------- the forecast
        risk_calls.limit_risk,
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
        cast(known_days.net_pnl as decimal(38, 8)) as actual_net_pnl,
        case
            when known_days.trader_id is not null then known_days.is_traded_day
            when calls_unknown.trader_id is null then false
        end as has_traded,
        known_days.net_pnl < 0 as is_loss,
        known_days.net_pnl < -risk_calls.daily_loss_limit_amount as is_limit_breached,
        cast(total_pnl_days.total_pnl as decimal(38, 8)) as actual_total_pnl,
        total_pnl_days.total_pnl < -risk_calls.daily_loss_limit_amount
            as is_limit_breached_by_total,
        (risk_calls.predicted_pnl < 0) = (known_days.net_pnl < 0) as is_direction_hit,
        known_days.net_pnl between risk_calls.predicted_pnl_p05
        and risk_calls.predicted_pnl_p95 as is_inside_interval,
        -- What trading at the advised size would have changed; positive is saved.
        {{ advised_size_effect('risk_calls.position_multiplier', 'known_days.net_pnl') }}
            as advised_size_effect
    from risk_calls
    inner join run_context on risk_calls.prediction_date < run_context.as_of_date
    left join known_days
        on
            risk_calls.trader_id = known_days.trader_id
            and risk_calls.prediction_date = known_days.trade_date
    left join calls_unknown
        on
            risk_calls.trader_id = calls_unknown.trader_id
            and risk_calls.prediction_date = calls_unknown.prediction_date
    left join total_pnl_days
        on
            risk_calls.trader_id = total_pnl_days.trader_id
            and risk_calls.prediction_date = total_pnl_days.trade_date
)

select * from final
