{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per counted fill: what the position in its symbol was worth before and
    after it, at the account's own last fill in it. The day begins with what is held. A
    fill at a price of zero leaves the price as it was; without any price it is unknown.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_matched'), 'trader_days') }}
),

results as (
    select
        account_id,
        symbol,
        trade_date,
        opening_quantity
    from {{ ref('int_symbol_day_results') }}
    where trade_date >= {{ first_built_date() }}
),

symbol_prices as (
    select
        account_id,
        symbol,
        trade_date,
        opening_unit_price
    from {{ ref('int_symbol_day_prices') }}
    where trade_date >= {{ first_built_date() }}
),

fills_priced as (
    select
        *,
        case when is_buy then quantity else -quantity end as signed_quantity,
        row_number() over (
            partition by account_id, symbol, trade_date order by fill_sequence
        ) as symbol_day_sequence,
        {{ last_preceding(
            'nullif(price, 0)', 'account_id, symbol, trade_date', 'fill_sequence'
        ) }} as day_price_before,
        {{ last_so_far(
            'nullif(price, 0)', 'account_id, symbol, trade_date', 'fill_sequence'
        ) }} as day_price
    from fills
),

fills_placed as (
    select
        fills_priced.account_id,
        fills_priced.trader_id,
        fills_priced.symbol,
        fills_priced.trade_date,
        fills_priced.fill_sequence,
        fills_priced.day_sequence,
        fills_priced.filled_at_et,
        fills_priced.symbol_day_sequence,
        fills_priced.multiplier,
        fills_priced.exchange_rate,
        results.opening_quantity + fills_priced.day_quantity_after
        - fills_priced.signed_quantity as quantity_before,
        results.opening_quantity + fills_priced.day_quantity_after as quantity_after,
        coalesce(
            fills_priced.day_price_before,
            {{ in_units('symbol_prices.opening_unit_price', 'fills_priced.units_per_share') }}
        ) as price_before,
        coalesce(
            fills_priced.day_price,
            {{ in_units('symbol_prices.opening_unit_price', 'fills_priced.units_per_share') }}
        ) as price_after
    from fills_priced
    inner join results
        on
            fills_priced.account_id = results.account_id
            and fills_priced.symbol = results.symbol
            and fills_priced.trade_date = results.trade_date
    inner join symbol_prices
        on
            fills_priced.account_id = symbol_prices.account_id
            and fills_priced.symbol = symbol_prices.symbol
            and fills_priced.trade_date = symbol_prices.trade_date
),

fills_valued as (
    select
        *,
        {{ exposure_of('quantity_before', 'price_before', 'multiplier', 'exchange_rate') }}
            as exposure_before,
        {{ exposure_of('quantity_after', 'price_after', 'multiplier', 'exchange_rate') }}
            as exposure_after
    from fills_placed
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        symbol_day_sequence,
        ---------- numbers
        cast(quantity_before as decimal(38, 8)) as quantity_before,
        cast(quantity_after as decimal(38, 8)) as quantity_after,
        ---------- money
        exposure_before,
        exposure_after,
        ---------- times
        filled_at_et
    from fills_valued
)

select * from final
