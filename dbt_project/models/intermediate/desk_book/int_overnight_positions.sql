{#
    Grain: one row per account, symbol and date at whose end the account holds a position,
    of accounts that are in the desk's totals: what it is worth at the mark, or at the
    account's own last fill where there is none. What has neither, or no exchange rate, is
    worth nobody knows what.
#}
with

held_days as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        units_per_share,
        position_quantity,
        multiplier,
        exchange_rate,
        close_price
    from {{ ref('int_held_days') }}
),

symbol_prices as (
    select
        account_id,
        symbol,
        trade_date,
        last_unit_price
    from {{ ref('int_symbol_day_prices') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
    where is_in_desk_total
),

held_priced as (
    select
        held_days.*,
        {{ last_so_far(
            'symbol_prices.last_unit_price',
            'held_days.account_id, held_days.book_symbol',
            'held_days.trade_date',
        ) }} as own_unit_price
    from held_days
    left join symbol_prices
        on
            held_days.account_id = symbol_prices.account_id
            and held_days.symbol = symbol_prices.symbol
            and held_days.trade_date = symbol_prices.trade_date
),

held_valued as (
    select
        *,
        coalesce(close_price, {{ in_units('own_unit_price', 'units_per_share') }})
            as last_price
    from held_priced
),

final as (
    select
        ---------- keys
        held_valued.account_id,
        held_valued.symbol,
        held_valued.trade_date,
        account_traders.trader_id,
        ---------- numbers
        held_valued.position_quantity,
        ---------- money
        {{ exposure_of(
            'held_valued.position_quantity',
            'held_valued.last_price',
            'held_valued.multiplier',
            'held_valued.exchange_rate',
        ) }} as exposure
    from held_valued
    inner join account_traders
        on
            held_valued.account_id = account_traders.account_id
            and held_valued.trade_date >= account_traders.valid_from
            and held_valued.trade_date < account_traders.valid_to
    where held_valued.position_quantity <> 0
)

select * from final
