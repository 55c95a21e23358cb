{#
    Grain: one row per scope and date on which a limit was breached within the day, and fill
    of its accounts, numbered in the order of int_scope_paths. Only such days are walked
    through again.
#}
with

breached_days as (
    select distinct
        scope_type,
        scope_name,
        trade_date
    from {{ ref('int_limit_use') }}
    where
        is_breached
        and rule not in ('drawdown', 'losing_streak', 'overnight_exposure')
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

fill_results as (
    select
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        symbol_day_sequence,
        quantity_before,
        quantity_after,
        exposure_before,
        exposure_after,
        realized_gross_pnl - total_fees as net_pnl,
        is_regular,
        has_fill_time,
        filled_at_et
    from {{ ref('int_fill_results') }}
),

final as (
    select
        ---------- keys
        breached_days.scope_type,
        breached_days.scope_name,
        breached_days.trade_date,
        cast(
            row_number() over (
                partition by
                    breached_days.scope_type, breached_days.scope_name,
                    breached_days.trade_date
                order by {{ scope_order('fill_results') }}
            ) as bigint
        ) as scope_sequence,
        fill_results.account_id,
        fill_results.symbol,
        fill_results.fill_sequence,
        fill_results.symbol_day_sequence,
        ---------- numbers
        fill_results.quantity_before,
        fill_results.quantity_after,
        ---------- money
        fill_results.net_pnl,
        fill_results.exposure_before,
        fill_results.exposure_after,
        ---------- flags
        fill_results.is_regular,
        ---------- times
        case when fill_results.has_fill_time then fill_results.filled_at_et end
            as timed_at_et
    from breached_days
    inner join account_scopes
        on
            breached_days.scope_type = account_scopes.scope_type
            and breached_days.scope_name = account_scopes.scope_name
            and breached_days.trade_date >= account_scopes.valid_from
            and breached_days.trade_date < account_scopes.valid_to
    inner join fill_results
        on
            account_scopes.account_id = fill_results.account_id
            and breached_days.trade_date = fill_results.trade_date
)

select * from final
