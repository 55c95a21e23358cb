{#
    Grain: one row per account, symbol and date at whose end a position is open: dates
    with a fill in it, and every session through which it was carried.
#}
with

held_days as (
    select
        account_id,
        symbol,
        book_symbol,
        trade_date,
        position_quantity,
        multiplier,
        currency,
        exchange_rate,
        open_cost,
        close_price,
        mark_age_sessions_count,
        local_unrealized_pnl,
        unrealized_pnl
    from {{ ref('int_held_days') }}
    where position_quantity <> 0
),

lots as (
    select
        account_id,
        book_symbol,
        opening_sequence,
        opened_date,
        closed_date
    from {{ ref('int_overnight_lot_matches') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

lots_counted as (
    select
        held_days.account_id,
        held_days.symbol,
        held_days.trade_date,
        count(distinct lots.opening_sequence) as lots_count,
        min(lots.opened_date) as oldest_lot_date
    from held_days
    inner join lots
        on
            held_days.account_id = lots.account_id
            and held_days.book_symbol = lots.book_symbol
            and held_days.trade_date >= lots.opened_date
            and held_days.trade_date < coalesce(lots.closed_date, {{ max_date() }})
    group by held_days.account_id, held_days.symbol, held_days.trade_date
),

final as (
    select
        ---------- keys
        held_days.account_id,
        account_traders.trader_id,
        held_days.symbol,
        held_days.trade_date,
        ---------- text
        held_days.currency,
        ---------- numbers
        cast(held_days.position_quantity as decimal(38, 8)) as position_quantity,
        cast(lots_counted.lots_count as bigint) as lots_count,
        {{ safe_divide(
            'held_days.open_cost',
            'held_days.position_quantity * held_days.multiplier'
        ) }} as average_price,
        held_days.multiplier,
        held_days.exchange_rate,
        held_days.close_price,
        held_days.mark_age_sessions_count,
        ---------- money
        cast(held_days.open_cost as decimal(38, 8)) as local_open_cost,
        cast({{ in_base('held_days.open_cost', 'held_days.exchange_rate') }} as decimal(38, 8))
            as open_cost,
        cast(held_days.local_unrealized_pnl as decimal(38, 8)) as local_unrealized_pnl,
        cast(held_days.unrealized_pnl as decimal(38, 8)) as unrealized_pnl,
        ---------- dates
        lots_counted.oldest_lot_date
    from held_days
    inner join account_traders
        on
            held_days.account_id = account_traders.account_id
            and held_days.trade_date >= account_traders.valid_from
            and held_days.trade_date < account_traders.valid_to
    inner join lots_counted
        on
            held_days.account_id = lots_counted.account_id
            and held_days.symbol = lots_counted.symbol
            and held_days.trade_date = lots_counted.trade_date
)

select * from final
