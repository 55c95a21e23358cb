{#
    Grain: one row per account, symbol and date at whose end a position is open: dates
    with a fill in it, and every session through which it was carried.
#}
with

symbol_days as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity,
        multiplier,
        open_cost,
        close_price,
        unrealized_pnl
    from {{ ref('int_symbol_days') }}
    where position_quantity <> 0
),

lots as (
    select
        account_id,
        symbol,
        opening_sequence,
        opened_date,
        closed_date
    from {{ ref('int_lots') }}
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
        symbol_days.account_id,
        symbol_days.symbol,
        symbol_days.trade_date,
        count(distinct lots.opening_sequence) as lots_count,
        min(lots.opened_date) as oldest_lot_date
    from symbol_days
    inner join lots
        on
            symbol_days.account_id = lots.account_id
            and symbol_days.symbol = lots.symbol
            and symbol_days.trade_date >= lots.opened_date
            and symbol_days.trade_date < coalesce(lots.closed_date, {{ for_ever() }})
    group by symbol_days.account_id, symbol_days.symbol, symbol_days.trade_date
),

final as (
    select
        ---------- keys
        symbol_days.account_id,
        account_traders.trader_id,
        symbol_days.symbol,
        symbol_days.trade_date,
        ---------- numbers
        cast(symbol_days.position_quantity as decimal(38, 8)) as position_quantity,
        cast(lots_counted.lots_count as bigint) as lots_count,
        {{ safe_ratio(
            'symbol_days.open_cost',
            'symbol_days.position_quantity * symbol_days.multiplier'
        ) }} as average_price,
        symbol_days.multiplier,
        symbol_days.close_price,
        ---------- money
        cast(symbol_days.open_cost as decimal(38, 8)) as open_cost,
        cast(symbol_days.unrealized_pnl as decimal(38, 8)) as unrealized_pnl,
        ---------- dates
        lots_counted.oldest_lot_date
    from symbol_days
    inner join account_traders
        on
            symbol_days.account_id = account_traders.account_id
            and symbol_days.trade_date >= account_traders.valid_from
            and symbol_days.trade_date < account_traders.valid_to
    inner join lots_counted
        on
            symbol_days.account_id = lots_counted.account_id
            and symbol_days.symbol = lots_counted.symbol
            and symbol_days.trade_date = lots_counted.trade_date
)

select * from final
