{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account and date with a counted fill.
    How much the symbols that are traded on the date are worth together after each fill
    (int_fill_results): what the day begins with, and how far it went from there
    (int_scope_paths). One unknown price makes the day's peaks unknown.
#}
with

fills as (
    {{ planned_rows(ref('int_fill_results'), 'trader_days') }}
),

paths as (
    select * from {{ ref('int_scope_paths') }}
    where scope_type = 'account' and trade_date >= {{ first_built_date() }}
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
    from fills
    group by account_id, trade_date
),

peak_moments as (
    -- Fills are numbered in time, so the earliest fill at an extreme is the first one.
    select
        fills.account_id,
        fills.trade_date,
        min(fills.filled_at_et) as quantity_at_et
    from fills
    inner join days_summarised
        on
            fills.account_id = days_summarised.account_id
            and fills.trade_date = days_summarised.trade_date
            and abs(fills.quantity_after) = days_summarised.peak_quantity
    where days_summarised.peak_quantity > days_summarised.opening_quantity
    group by fills.account_id, fills.trade_date
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
        case when days_summarised.is_known then days_summarised.opening_gross end
        + paths.most_gross_moved as peak_gross_exposure,
        case when days_summarised.is_known then days_summarised.opening_net end
        + paths.most_net_moved as highest_net_exposure,
        case when days_summarised.is_known then days_summarised.opening_net end
        + paths.least_net_moved as lowest_net_exposure,
        ---------- times; PropReports writes midnight where the time is unknown
        nullif(peak_moments.quantity_at_et, cast(days_summarised.trade_date as timestamp))
            as quantity_at_et,
        paths.gross_at_et,
        paths.net_long_at_et,
        paths.net_short_at_et
    from days_summarised
    inner join paths
        on
            days_summarised.account_id = paths.scope_name
            and days_summarised.trade_date = paths.trade_date
    left join peak_moments
        on
            days_summarised.account_id = peak_moments.account_id
            and days_summarised.trade_date = peak_moments.trade_date
)

select * from final
