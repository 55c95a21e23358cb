{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per forecast whose prediction date is over: what happened.
    A trader who did not trade that day has no outcome, neither hit nor miss, unless there
    was P&L all the same (an expiry). Nor has one of whom it is unknown: fills of an account
    are of unknown contract size, or did not arrive; what the other accounts made is not the
    trader's day.
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
        net_pnl,
        is_traded_day
    from {{ ref('int_trader_days') }}
),

uncounted_days as (
    select distinct
        trader_id,
        trade_date
    from {{ ref('int_fills_current') }}
    where lacks_multiplier
),

unknown_trading as (
    select
        account_id,
        vanished_until,
        is_cut
    from {{ ref('int_unknown_trading') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

account_last_days as (
    select
        account_id,
        max(trade_date) as last_traded_date
    from {{ ref('int_account_day_fills') }}
    where fills_count > 0
    group by account_id
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
    inner join unknown_trading on account_traders.account_id = unknown_trading.account_id
    left join account_last_days
        on account_traders.account_id = account_last_days.account_id
    where
        risk_calls.prediction_date
        > coalesce(account_last_days.last_traded_date, {{ min_date() }})
        and (
            unknown_trading.is_cut
            or risk_calls.prediction_date <= unknown_trading.vanished_until
        )
    union
    select
        trader_id,
        trade_date as prediction_date
    from uncounted_days
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
)

select * from final
