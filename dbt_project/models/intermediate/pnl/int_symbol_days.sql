{{ config(materialized='view') }}
{#
    Grain: one row per account, symbol and date with a counted fill, or with a position
    carried through a session, or through a date on which the account traded otherwise.
    What local P&L is in the base currency is decided here: at the exchange rate of its
    date, unknown without one.
#}
with

results as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        currency,
        multiplier,
        position_quantity,
        open_cost,
        intraday_gross_pnl,
        overnight_gross_pnl,
        total_fees
    from {{ ref('int_symbol_day_results') }}
),

held_days as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        currency,
        multiplier,
        position_quantity,
        open_cost,
        close_price,
        mark_age_sessions_count,
        unrealized_pnl,
        unrealized_delta,
        has_fills
    from {{ ref('int_held_days') }}
),

all_days as (
    select
        results.*,
        held_days.close_price,
        held_days.mark_age_sessions_count,
        held_days.account_id is not null as is_held,
        held_days.unrealized_pnl,
        held_days.unrealized_delta,
        true as has_fills
    from results
    left join held_days
        on
            results.account_id = held_days.account_id
            and results.symbol = held_days.symbol
            and results.trade_date = held_days.trade_date
            and held_days.has_fills
    union all
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        currency,
        multiplier,
        position_quantity,
        open_cost,
        cast(0 as decimal(38, 8)) as intraday_gross_pnl,
        cast(0 as decimal(38, 8)) as overnight_gross_pnl,
        cast(0 as decimal(38, 8)) as total_fees,
        close_price,
        mark_age_sessions_count,
        true as is_held,
        unrealized_pnl,
        unrealized_delta,
        false as has_fills
    from held_days
    where not has_fills
),

days_rated as (
    select
        all_days.*,
        {{ rate_of('all_days.currency', 'rates') }} as exchange_rate
    from all_days
    {{ join_rates('rates', 'all_days.currency', 'all_days.trade_date') }}
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        book_symbol,
        ---------- text
        currency,
        ---------- position at the date's end
        position_quantity,
        multiplier,
        exchange_rate,
        open_cost,
        close_price,
        mark_age_sessions_count,
        ---------- money
        intraday_gross_pnl + overnight_gross_pnl as local_gross_pnl,
        {{ in_base('intraday_gross_pnl', 'exchange_rate') }} as intraday_gross_pnl,
        {{ in_base('overnight_gross_pnl', 'exchange_rate') }} as overnight_gross_pnl,
        {{ in_base('intraday_gross_pnl', 'exchange_rate') }}
        + {{ in_base('overnight_gross_pnl', 'exchange_rate') }} as gross_pnl,
        total_fees,
        -- What was neither held before nor after has nothing unrealized.
        case when is_held then unrealized_pnl else cast(0 as decimal(38, 8)) end
            as unrealized_pnl,
        case when is_held then unrealized_delta else cast(0 as decimal(38, 8)) end
            as unrealized_delta,
        ---------- flags
        has_fills
    from days_rated
)

select * from final
