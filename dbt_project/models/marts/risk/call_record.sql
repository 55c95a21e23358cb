{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader and session that is over, of those he was called for and
    traded in. Where the desk made no call yet, the replayed one stands in: what the
    models of that time would have said, on data as it is known now.
#}
with

call_outcomes as (
    select
        trader_id,
        prediction_date,
        risk_level,
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        loss_probability,
        daily_loss_limit_amount,
        position_multiplier,
        actual_net_pnl
    from {{ ref('call_outcomes') }}
    where has_traded and predicted_pnl is not null
),

replayed_calls as (
    select * from {{ ref('stg_ml__replayed_calls') }}
    where prediction_date is not null
),

called_dates as (
    select distinct prediction_date from {{ ref('risk_calls') }}
),

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl
    from {{ ref('int_trader_days') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

calls as (
    select
        call_outcomes.*,
        false as is_replayed
    from call_outcomes
    union all
    select
        replayed_calls.trader_id,
        replayed_calls.prediction_date,
        {{ risk_level('replayed_calls.predicted_pnl') }} as risk_level,
        replayed_calls.predicted_pnl,
        replayed_calls.predicted_pnl_p05,
        replayed_calls.predicted_pnl_p50,
        replayed_calls.predicted_pnl_p95,
        replayed_calls.loss_probability,
        replayed_calls.daily_loss_limit_amount,
        replayed_calls.position_multiplier,
        trader_days.net_pnl as actual_net_pnl,
        true as is_replayed
    from replayed_calls
    inner join trader_days
        on
            replayed_calls.trader_id = trader_days.trader_id
            and replayed_calls.prediction_date = trader_days.trade_date
    inner join run_context on replayed_calls.prediction_date < run_context.as_of_date
    left join called_dates
        on replayed_calls.prediction_date = called_dates.prediction_date
    where called_dates.prediction_date is null
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        ---------- the call
        is_replayed,
        risk_level,
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p50,
        predicted_pnl_p95,
        loss_probability,
        daily_loss_limit_amount,
        position_multiplier,
        risk_level in ('High', 'Medium') as is_alarm,
        ---------- what happened
        cast(actual_net_pnl as decimal(38, 8)) as actual_net_pnl,
        actual_net_pnl < 0 as is_loss,
        actual_net_pnl between predicted_pnl_p05 and predicted_pnl_p95
            as is_inside_interval,
        -- What trading at the advised size would have changed; positive is saved.
        {{ advised_size_effect('position_multiplier', 'actual_net_pnl') }}
            as advised_size_effect
    from calls
)

select * from final
