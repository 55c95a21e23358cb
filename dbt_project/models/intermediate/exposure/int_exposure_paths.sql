{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account and date with a counted fill.
    How much the symbols that are traded on the date are worth together after each fill
    (int_fill_exposures). One unknown price makes the day's peaks unknown.
#}
with

fills_valued as (
    {{ planned_rows(ref('int_fill_exposures'), 'trader_days') }}
),

days_summarised as (
    -- The day begins with what the first fill of each symbol finds.
    select
        account_id,
        max(trader_id) as trader_id,
        trade_date,
        count(*) = count(exposure_before + exposure_after) as is_known,
        greatest(
            max(abs(quantity_after)),
            max(case when symbol_day_sequence = 1 then abs(quantity_before) end)
        ) as peak_quantity,
        max(case when symbol_day_sequence = 1 then abs(quantity_before) end)
            as opening_quantity,
        sum(case when symbol_day_sequence = 1 then abs(exposure_before) end)
            as opening_gross,
        sum(case when symbol_day_sequence = 1 then exposure_before end) as opening_net
    from fills_valued
    group by account_id, trade_date
),

paths as (
    -- Whole cents, which doubles add up exactly, and faster than decimals.
    select
        account_id,
        trade_date,
        filled_at_et,
        abs(quantity_after) as units_after,
        sum(cast(100 * (abs(exposure_after) - abs(exposure_before)) as double))
            over day_so_far as gross_cents_moved,
        sum(cast(100 * (exposure_after - exposure_before) as double))
            over day_so_far as net_cents_moved
    from fills_valued
    window day_so_far as (
        partition by account_id, trade_date order by fill_sequence
        rows between unbounded preceding and current row
    )
),

extremes as (
    select
        account_id,
        trade_date,
        greatest(max(gross_cents_moved), 0) as most_gross_moved,
        greatest(max(net_cents_moved), 0) as most_net_moved,
        least(min(net_cents_moved), 0) as least_net_moved
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
                    paths.units_after = days_summarised.peak_quantity
                    and days_summarised.peak_quantity > days_summarised.opening_quantity
                    then paths.filled_at_et
            end
        ) as quantity_at_et,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.gross_cents_moved',
            'extremes.most_gross_moved',
        ) }} as gross_at_et,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.net_cents_moved',
            'extremes.most_net_moved',
        ) }} as net_long_at_et,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.net_cents_moved',
            'extremes.least_net_moved',
            is_low=true,
        ) }} as net_short_at_et
    from paths
    inner join extremes
        on
            paths.account_id = extremes.account_id
            and paths.trade_date = extremes.trade_date
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
        cast(coalesce(days_summarised.opening_quantity, 0) as decimal(38, 8))
            as opening_quantity,
        cast(days_summarised.peak_quantity as decimal(38, 8)) as peak_quantity,
        ---------- money
        cast(
            case when days_summarised.is_known then days_summarised.opening_gross end
            as decimal(38, 2)
        ) as opening_gross_exposure,
        cast(
            case when days_summarised.is_known then days_summarised.opening_net end
            as decimal(38, 2)
        ) as opening_net_exposure,
        case
            when days_summarised.is_known
                then
                    days_summarised.opening_gross
                    + cast(extremes.most_gross_moved as decimal(38, 0))
                    * cast(0.01 as decimal(3, 2))
        end as peak_gross_exposure,
        case
            when days_summarised.is_known
                then
                    days_summarised.opening_net
                    + cast(extremes.most_net_moved as decimal(38, 0))
                    * cast(0.01 as decimal(3, 2))
        end as highest_net_exposure,
        case
            when days_summarised.is_known
                then
                    days_summarised.opening_net
                    + cast(extremes.least_net_moved as decimal(38, 0))
                    * cast(0.01 as decimal(3, 2))
        end as lowest_net_exposure,
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
    inner join extremes
        on
            days_summarised.account_id = extremes.account_id
            and days_summarised.trade_date = extremes.trade_date
    inner join moments
        on
            days_summarised.account_id = moments.account_id
            and days_summarised.trade_date = moments.trade_date
)

select * from final
