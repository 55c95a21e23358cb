{#
    Grain: one row per account and date on which it trades a symbol that a queue in time
    order matches differently, on that day or another.
    The other symbols of the account count as they always do.
#}
with

splits as (
    select
        account_id,
        book_symbol,
        fill_sequence,
        matched_quantity,
        remaining_quantity
    from {{ ref('int_time_order_splits') }}
),

symbols as (
    select distinct
        account_id,
        book_symbol
    from splits
),

fills as (
    -- What one day leaves for overnight moves every later day of the symbol.
    select
        intraday_matches.account_id,
        intraday_matches.book_symbol,
        intraday_matches.trade_date,
        intraday_matches.fill_sequence,
        intraday_matches.is_buy,
        coalesce(splits.matched_quantity, intraday_matches.matched_quantity)
            as matched_quantity,
        cast(
            {{ in_units(
                'coalesce(splits.remaining_quantity, intraday_matches.remaining_quantity)',
                'intraday_matches.units_per_share',
            ) }} as decimal(18, 8)
        ) as remaining_units,
        intraday_matches.price,
        intraday_matches.multiplier
    from {{ ref('int_fills_matched') }} as intraday_matches
    inner join symbols
        on
            intraday_matches.account_id = symbols.account_id
            and intraday_matches.book_symbol = symbols.book_symbol
    left join splits
        on
            intraday_matches.account_id = splits.account_id
            and intraday_matches.fill_sequence = splits.fill_sequence
),

overnight_lot_matches as (
    {{ fifo_lot_matches('fills', 'remaining_units') }}
),

symbol_days as (
    select
        account_id,
        book_symbol,
        trade_date,
        exchange_rate,
        local_gross_pnl
    from {{ ref('int_symbol_days') }}
),

account_days as (
    select
        account_id,
        trade_date,
        gross_pnl
    from {{ ref('daily_totals') }}
),

parts as (
    select
        account_id,
        book_symbol,
        trade_date,
        case when is_buy then -1 else 1 end
        * {{ exact_product('matched_quantity', 'price', 'multiplier') }} as gross_pnl
    from fills
    union all
    select
        account_id,
        book_symbol,
        greatest(buy_date, sell_date) as trade_date,
        gross_pnl
    from overnight_lot_matches
    where gross_pnl is not null
),

parts_summed as (
    select
        account_id,
        book_symbol,
        trade_date,
        sum(gross_pnl) as gross_pnl
    from parts
    group by account_id, book_symbol, trade_date
),

differences as (
    select
        parts_summed.account_id,
        parts_summed.trade_date,
        sum(
            {{ in_base(
                '(parts_summed.gross_pnl - symbol_days.local_gross_pnl)',
                'symbol_days.exchange_rate',
            ) }}
        ) as gross_difference
    from parts_summed
    inner join symbol_days
        on
            parts_summed.account_id = symbol_days.account_id
            and parts_summed.book_symbol = symbol_days.book_symbol
            and parts_summed.trade_date = symbol_days.trade_date
    group by parts_summed.account_id, parts_summed.trade_date
),

final as (
    select
        account_days.account_id,
        account_days.trade_date,
        account_days.gross_pnl,
        cast(account_days.gross_pnl + differences.gross_difference as decimal(38, 8))
            as gross_pnl_in_time_order
    from account_days
    inner join differences
        on
            account_days.account_id = differences.account_id
            and account_days.trade_date = differences.trade_date
)

select * from final
