{{ config(materialized='view') }}
{#
    Grain: one row per account, symbol and date with a counted fill, or with a position
    carried through a session, or through a date on which the account traded otherwise.
#}
with

results as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
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

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        book_symbol,
        ---------- position at the date's end
        position_quantity,
        multiplier,
        open_cost,
        close_price,
        mark_age_sessions_count,
        ---------- money
        intraday_gross_pnl,
        overnight_gross_pnl,
        intraday_gross_pnl + overnight_gross_pnl as gross_pnl,
        total_fees,
        -- What was neither held before nor after has nothing unrealized.
        case when is_held then unrealized_pnl else cast(0 as decimal(38, 8)) end
            as unrealized_pnl,
        case when is_held then unrealized_delta else cast(0 as decimal(38, 8)) end
            as unrealized_delta,
        ---------- flags
        has_fills
    from all_days
)

select * from final
