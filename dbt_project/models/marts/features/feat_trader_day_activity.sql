{#
    Grain: one row per trader and trader day D (int_trader_days).
    How often and when a trader trades. Known at the close of D; windows count trader
    days and end at D.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        fills_count,
        orders_count,
        case when is_traded_day then fills_count end as known_fills_count,
        is_traded_day
    from {{ ref('int_trader_days') }}
),

time_days as (
    select
        trader_id,
        trade_date,
        timed_fills_count,
        active_seconds,
        gaps_count,
        gap_seconds,
        square_gap_seconds,
        first_hour_fills_count,
        morning_fills_count,
        last_hour_fills_count,
        outside_hours_fills_count,
        busiest_hour_fills_ratio,
        time_entropy
    from {{ ref('int_trader_day_times') }}
),

trip_days as (
    select
        trader_id,
        trade_date,
        opened_trips_count,
        closed_trips_count,
        mean_minutes_between_trips
    from {{ ref('int_trader_day_trips') }}
),

days_joined as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.fills_count,
        trader_days.orders_count,
        trader_days.known_fills_count,
        coalesce(trip_days.closed_trips_count, 0) as closed_trips_count,
        coalesce(trip_days.opened_trips_count, 0) as opened_trips_count,
        -- Of a day without trading there is no tempo to compare.
        case when trader_days.is_traded_day then coalesce(trip_days.opened_trips_count, 0) end
            as known_trips_count,
        cast(trip_days.mean_minutes_between_trips as double) as mean_minutes_between_trips,
        cast(time_days.active_seconds as double) / 60 as active_minutes,
        time_days.timed_fills_count,
        time_days.gaps_count,
        time_days.gap_seconds,
        time_days.square_gap_seconds,
        time_days.first_hour_fills_count,
        time_days.morning_fills_count,
        time_days.last_hour_fills_count,
        time_days.outside_hours_fills_count,
        time_days.busiest_hour_fills_ratio,
        time_days.time_entropy
    from trader_days
    left join time_days
        on
            trader_days.trader_id = time_days.trader_id
            and trader_days.trade_date = time_days.trade_date
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
),

windows_computed as (
    select
        *,
        avg(cast(known_fills_count as double)) {{ trailing(20) }} as mean_fills_20d,
        avg(cast(known_trips_count as double)) {{ trailing(20) }} as mean_trips_20d,
        avg(active_minutes) {{ trailing(20) }} as mean_active_minutes_20d,
        avg(mean_minutes_between_trips) {{ trailing(20) }} as mean_trip_tempo_20d
    from days_joined
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- frequency
        fills_count,
        orders_count,
        cast(opened_trips_count as bigint) as opened_trips_count,
        cast(closed_trips_count as bigint) as closed_trips_count,
        {{ safe_divide('known_fills_count', 'mean_fills_20d') }} as fills_vs_20d_ratio,
        {{ safe_divide('known_trips_count', 'mean_trips_20d') }} as trips_vs_20d_ratio,
        ---------- tempo
        active_minutes,
        {{ safe_divide('active_minutes', 'mean_active_minutes_20d') }}
            as active_minutes_vs_20d_ratio,
        {{ safe_divide('gap_seconds', 'gaps_count') }} as mean_seconds_between_fills,
        case
            when gaps_count > 1
                then
                    sqrt(
                        greatest(
                            square_gap_seconds / gaps_count
                            - gap_seconds / gaps_count * (gap_seconds / gaps_count),
                            0
                        )
                    )
                    / nullif(gap_seconds / gaps_count, 0)
        end as fill_gap_variation,
        mean_minutes_between_trips,
        {{ safe_divide('mean_minutes_between_trips', 'mean_trip_tempo_20d') }}
            as trip_tempo_vs_20d_ratio,
        ---------- time of day
        {{ safe_divide('first_hour_fills_count', 'timed_fills_count') }}
            as first_hour_fills_ratio,
        {{ safe_divide('morning_fills_count', 'timed_fills_count') }} as morning_fills_ratio,
        {{ safe_divide('timed_fills_count - morning_fills_count', 'timed_fills_count') }}
            as afternoon_fills_ratio,
        {{ safe_divide('last_hour_fills_count', 'timed_fills_count') }}
            as last_hour_fills_ratio,
        {{ safe_divide('outside_hours_fills_count', 'timed_fills_count') }}
            as outside_hours_fills_ratio,
        busiest_hour_fills_ratio,
        time_entropy
    from windows_computed
)

select * from final
