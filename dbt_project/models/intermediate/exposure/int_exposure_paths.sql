{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account and date with a counted fill.
    How much the symbols that are traded on the date are worth together after each fill,
    every one at the account's own last fill in it. The day begins with what is held of them. A
    fill at a price of zero leaves the price as it was. One unknown price makes the day's
    peaks unknown.
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
        opening_price
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
        fills_priced.trade_date,
        fills_priced.fill_sequence,
        fills_priced.filled_at_et,
        fills_priced.symbol_day_sequence,
        fills_priced.multiplier,
        results.opening_quantity + fills_priced.day_quantity_after
        - fills_priced.signed_quantity as quantity_before,
        results.opening_quantity + fills_priced.day_quantity_after as quantity_after,
        coalesce(fills_priced.day_price_before, symbol_prices.opening_price)
            as price_before,
        coalesce(fills_priced.day_price, symbol_prices.opening_price) as price_after
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
        {{ exposure_of('quantity_before', 'price_before', 'multiplier') }}
            as exposure_before,
        {{ exposure_of('quantity_after', 'price_after', 'multiplier') }} as exposure
    from fills_placed
),

days_opened as (
    select
        account_id,
        trade_date,
        sum(abs(quantity_before)) as opening_quantity,
        sum(abs(exposure_before)) as opening_gross_exposure,
        sum(exposure_before) as opening_net_exposure
    from fills_valued
    where symbol_day_sequence = 1
    group by account_id, trade_date
),

paths as (
    select
        account_id,
        trader_id,
        trade_date,
        filled_at_et,
        exposure - exposure_before as net_change,
        sum(abs(quantity_after) - abs(quantity_before)) over day_so_far
            as quantity_moved,
        sum(abs(exposure) - abs(exposure_before)) over day_so_far as gross_moved,
        sum(exposure - exposure_before) over day_so_far as net_moved
    from fills_valued
    window day_so_far as (
        partition by account_id, trade_date order by fill_sequence
        rows between unbounded preceding and current row
    )
),

days_summarised as (
    select
        account_id,
        max(trader_id) as trader_id,
        trade_date,
        count(*) = count(net_change) as is_known,
        greatest(max(quantity_moved), 0) as most_quantity_moved,
        greatest(max(gross_moved), 0) as most_gross_moved,
        greatest(max(net_moved), 0) as most_net_moved,
        least(min(net_moved), 0) as least_net_moved
    from paths
    group by account_id, trade_date
),

moments as (
    -- Fills are numbered in time, so the earliest fill at an extreme is the first one.
    select
        paths.account_id,
        paths.trade_date,
        min(
            case
                when
                    paths.quantity_moved = days_summarised.most_quantity_moved
                    and days_summarised.most_quantity_moved <> 0
                    then paths.filled_at_et
            end
        ) as quantity_at_et,
        min(
            case
                when
                    paths.gross_moved = days_summarised.most_gross_moved
                    and days_summarised.most_gross_moved <> 0
                    then paths.filled_at_et
            end
        ) as gross_at_et,
        min(
            case
                when
                    paths.net_moved = days_summarised.most_net_moved
                    and days_summarised.most_net_moved <> 0
                    then paths.filled_at_et
            end
        ) as net_long_at_et,
        min(
            case
                when
                    paths.net_moved = days_summarised.least_net_moved
                    and days_summarised.least_net_moved <> 0
                    then paths.filled_at_et
            end
        ) as net_short_at_et
    from paths
    inner join days_summarised
        on
            paths.account_id = days_summarised.account_id
            and paths.trade_date = days_summarised.trade_date
    group by paths.account_id, paths.trade_date
),

final as (
    select
        ---------- keys
        days_summarised.account_id,
        days_summarised.trader_id,
        days_summarised.trade_date,
        ---------- numbers
        cast(
            days_opened.opening_quantity + days_summarised.most_quantity_moved
            as decimal(38, 8)
        ) as peak_quantity,
        ---------- money
        cast(
            case
                when days_summarised.is_known
                    then days_opened.opening_gross_exposure + days_summarised.most_gross_moved
            end as decimal(38, 8)
        ) as peak_gross_exposure,
        cast(
            case
                when days_summarised.is_known
                    then days_opened.opening_net_exposure + days_summarised.most_net_moved
            end as decimal(38, 8)
        ) as highest_net_exposure,
        cast(
            case
                when days_summarised.is_known
                    then days_opened.opening_net_exposure + days_summarised.least_net_moved
            end as decimal(38, 8)
        ) as lowest_net_exposure,
        ---------- times; PropReports writes midnight where the time is unknown
        nullif(moments.quantity_at_et, cast(days_summarised.trade_date as timestamp))
            as quantity_at_et,
        nullif(moments.gross_at_et, cast(days_summarised.trade_date as timestamp))
            as gross_at_et,
        nullif(moments.net_long_at_et, cast(days_summarised.trade_date as timestamp))
            as net_long_at_et,
        nullif(moments.net_short_at_et, cast(days_summarised.trade_date as timestamp))
            as net_short_at_et
    from days_summarised
    inner join days_opened
        on
            days_summarised.account_id = days_opened.account_id
            and days_summarised.trade_date = days_opened.trade_date
    inner join moments
        on
            days_summarised.account_id = moments.account_id
            and days_summarised.trade_date = moments.trade_date
)

select * from final
