{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and date with a counted fill.
    The price of the account's last fill in the symbol, before the date and at its end, and
    of the first one on it, per unit of its book (int_symbol_books), so that it is carried
    over a split. A price of zero (shares given, an expiry) says nothing of what the symbol
    is worth. The last row before what is planned carries the price on.
#}
with

planned_symbols as (
    select
        account_id,
        book_symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

fills as (
    {{ planned_rows(ref('int_fills_matched'), 'symbols') }}
),

previous_prices as (
    select * from {{ previous_rows({
        'account_id': 'varchar(100)',
        'book_symbol': 'varchar(100)',
        'trade_date': 'date',
        'last_unit_price': 'decimal(38, 8)',
    }) }}
),

carried as (
    select
        previous_prices.account_id,
        previous_prices.book_symbol,
        max_by(previous_prices.last_unit_price, previous_prices.trade_date)
            as last_unit_price,
        max(previous_prices.trade_date) as last_date
    from previous_prices
    inner join planned_symbols
        on
            previous_prices.account_id = planned_symbols.account_id
            and previous_prices.book_symbol = planned_symbols.book_symbol
            and previous_prices.trade_date < planned_symbols.first_date
    group by previous_prices.account_id, previous_prices.book_symbol
),

priced_days as (
    select
        account_id,
        book_symbol,
        symbol,
        trade_date,
        min_by(
            {{ in_shares('price', 'units_per_share') }},
            case when price <> 0 then fill_sequence end
        ) as first_unit_price,
        max_by(
            {{ in_shares('price', 'units_per_share') }},
            case when price <> 0 then fill_sequence end
        ) as day_unit_price
    from fills
    group by account_id, book_symbol, symbol, trade_date
),

days_carried as (
    select
        priced_days.account_id,
        priced_days.book_symbol,
        priced_days.symbol,
        priced_days.trade_date,
        priced_days.first_unit_price,
        carried.last_unit_price as carried_unit_price,
        carried.last_date as carried_date,
        {{ last_so_far(
            'priced_days.day_unit_price',
            'priced_days.account_id, priced_days.book_symbol',
            'priced_days.trade_date',
        ) }} as unit_price_so_far
    from priced_days
    left join carried
        on
            priced_days.account_id = carried.account_id
            and priced_days.book_symbol = carried.book_symbol
),

final as (
    select
        ---------- keys
        account_id,
        book_symbol,
        symbol,
        trade_date,
        ---------- numbers
        cast(
            coalesce(
                lag(unit_price_so_far) over (
                    partition by account_id, book_symbol order by trade_date
                ),
                carried_unit_price
            ) as decimal(38, 8)
        ) as opening_unit_price,
        cast(first_unit_price as decimal(38, 8)) as first_unit_price,
        cast(coalesce(unit_price_so_far, carried_unit_price) as decimal(38, 8))
            as last_unit_price,
        ---------- times
        coalesce(
            lag(trade_date) over (
                partition by account_id, book_symbol order by trade_date
            ),
            carried_date
        ) as previous_trade_date
    from days_carried
)

select * from final
