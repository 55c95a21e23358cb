{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and date with a counted fill.
    The price of the account's last fill in the symbol, before the date and at its end. A
    price of zero (shares given, an expiry) says nothing of what the symbol is worth.
    The last row before what is planned carries the price on.
#}
with

planned_symbols as (
    select
        account_id,
        symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

fills as (
    {{ planned_rows(ref('int_fills_matched'), 'symbols') }}
),

previous_prices as (
    select * from {{ previous_rows({
        'account_id': 'varchar(100)',
        'symbol': 'varchar(100)',
        'trade_date': 'date',
        'last_price': 'decimal(18, 8)',
    }) }}
),

carried as (
    select
        previous_prices.account_id,
        previous_prices.symbol,
        max_by(previous_prices.last_price, previous_prices.trade_date) as last_price
    from previous_prices
    inner join planned_symbols
        on
            previous_prices.account_id = planned_symbols.account_id
            and previous_prices.symbol = planned_symbols.symbol
            and previous_prices.trade_date < planned_symbols.first_date
    group by previous_prices.account_id, previous_prices.symbol
),

priced_days as (
    select
        account_id,
        symbol,
        trade_date,
        max_by(price, case when price <> 0 then fill_sequence end) as day_price
    from fills
    group by account_id, symbol, trade_date
),

days_carried as (
    select
        priced_days.account_id,
        priced_days.symbol,
        priced_days.trade_date,
        carried.last_price as carried_price,
        {{ last_so_far(
            'priced_days.day_price', 'priced_days.account_id, priced_days.symbol',
            'priced_days.trade_date',
        ) }} as price_so_far
    from priced_days
    left join carried
        on
            priced_days.account_id = carried.account_id
            and priced_days.symbol = carried.symbol
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        ---------- numbers
        coalesce(
            lag(price_so_far) over (
                partition by account_id, symbol order by trade_date
            ),
            carried_price
        ) as opening_price,
        coalesce(price_so_far, carried_price) as last_price
    from days_carried
)

select * from final
