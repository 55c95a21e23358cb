{#
    Grain: one row per trader and trader day D (int_trader_days).
    How large a trader trades, and how steadily. Known at the close of D; windows count
    traded days and end at D. A trip's size is what it entered on the day it opened:
    what was added later is not known at D.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        fills_count,
        notional,
        stddev_fill_notional
    from {{ ref('int_trader_days') }}
),

trip_days as (
    select
        trader_id,
        trade_date,
        opened_trips_count,
        mean_trip_notional,
        stddev_trip_notional,
        largest_trip_notional,
        intraday_size_creep_ratio
    from {{ ref('int_trader_day_trips') }}
),

days_joined as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.notional,
        {{ safe_divide('trader_days.notional', 'trader_days.fills_count') }}
            as mean_fill_notional,
        trader_days.stddev_fill_notional,
        trip_days.opened_trips_count,
        trip_days.mean_trip_notional,
        trip_days.stddev_trip_notional,
        trip_days.largest_trip_notional,
        trip_days.intraday_size_creep_ratio
    from trader_days
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
),

windows_computed as (
    select
        *,
        avg(cast(notional as double)) {{ trailing(20) }} as mean_notional_20d,
        avg(mean_fill_notional) {{ trailing(20) }} as mean_fill_notional_20d,
        avg(mean_trip_notional) {{ trailing(20) }} as mean_trip_notional_20d,
        avg(mean_trip_notional) {{ trailing(5) }} as mean_trip_notional_5d
    from days_joined
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- fills
        mean_fill_notional,
        {{ safe_divide('stddev_fill_notional', 'mean_fill_notional') }} as fill_size_variation,
        {{ safe_divide('mean_fill_notional', 'mean_fill_notional_20d') }}
            as fill_size_vs_20d_ratio,
        {{ safe_divide('notional', 'mean_notional_20d') }} as notional_vs_20d_ratio,
        ---------- trips
        mean_trip_notional,
        case
            when opened_trips_count > 1
                then {{ safe_divide('stddev_trip_notional', 'mean_trip_notional') }}
        end as trip_size_variation,
        {{ safe_divide('mean_trip_notional', 'mean_trip_notional_20d') }}
            as trip_size_vs_20d_ratio,
        {{ safe_divide('largest_trip_notional', 'mean_trip_notional_20d') }}
            as largest_trip_vs_20d_ratio,
        ---------- creep
        {{ safe_divide('mean_trip_notional_5d', 'mean_trip_notional_20d') }}
            as size_creep_5d_vs_20d_ratio,
        intraday_size_creep_ratio
    from windows_computed
)

select * from final
