{#
    Grain: one row per trader and traded day D.
    How often and when a trader trades. Known at the close of D; windows count traded
    days and end at D.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        fills_count,
        orders_count
    from {{ ref('int_trader_days') }}
),

fills as (
    select
        trader_id,
        trade_date,
        day_sequence,
        filled_at_et
    from {{ ref('int_fills_current') }}
    where is_counted and is_regular and has_fill_time
),

sessions as (
    select
        session_date,
        opens_at_et,
        closes_at_et
    from {{ ref('stg_propreports__sessions') }}
),

trip_events as (
    select
        trader_id,
        trade_date,
        is_opening,
        happened_at_et
    from {{ ref('int_trip_sequences') }}
),

fills_placed as (
    -- On a date without a session the hours of a usual one count.
    select
        fills.trader_id,
        fills.trade_date,
        extract(hour from fills.filled_at_et) as fill_hour,
        extract(epoch from fills.filled_at_et) as fill_second,
        extract(epoch from fills.filled_at_et)
        - lag(extract(epoch from fills.filled_at_et)) over (
            partition by fills.trader_id, fills.trade_date order by fills.day_sequence
        ) as gap_seconds,
        extract(epoch from fills.filled_at_et) - extract(
            epoch from coalesce(
                sessions.opens_at_et, {{ at_time('fills.trade_date', 9, 30) }}
            )
        ) as seconds_since_open,
        extract(
            epoch from coalesce(
                sessions.closes_at_et, {{ at_time('fills.trade_date', 16, 0) }}
            )
        ) - extract(epoch from fills.filled_at_et) as seconds_to_close
    from fills
    left join sessions on fills.trade_date = sessions.session_date
),

fill_days as (
    select
        trader_id,
        trade_date,
        count(*) as timed_fills_count,
        max(fill_second) - min(fill_second) as active_seconds,
        count(gap_seconds) as gaps_count,
        cast(sum(gap_seconds) as double) as gap_seconds,
        cast(sum(gap_seconds * gap_seconds) as double) as square_gap_seconds,
        sum(case when seconds_since_open between 0 and 3599.999999 then 1 else 0 end)
            as first_hour_fills_count,
        sum(case when fill_hour < {{ var('morning_ends_at_hour') }} then 1 else 0 end)
            as morning_fills_count,
        sum(case when seconds_to_close > 0 and seconds_to_close <= 3600 then 1 else 0 end)
            as last_hour_fills_count,
        sum(case when seconds_since_open < 0 or seconds_to_close <= 0 then 1 else 0 end)
            as outside_hours_fills_count
    from fills_placed
    group by trader_id, trade_date
),

hours as (
    select
        trader_id,
        trade_date,
        fill_hour,
        count(*) as hour_fills_count
    from fills_placed
    group by trader_id, trade_date, fill_hour
),

hour_shares as (
    select
        hours.trader_id,
        hours.trade_date,
        hours.fill_hour,
        cast(hours.hour_fills_count as double) / fill_days.timed_fills_count as fill_share
    from hours
    inner join fill_days
        on
            hours.trader_id = fill_days.trader_id
            and hours.trade_date = fill_days.trade_date
),

hour_days as (
    select
        trader_id,
        trade_date,
        max(fill_share) as busiest_hour_fills_ratio,
        -- In whole billionths, so that the sum does not hang on the order of the hours.
        cast(sum(cast(-fill_share * ln(fill_share) / ln(24.0) as decimal(18, 12))) as double)
            as time_entropy
    from hour_shares
    group by trader_id, trade_date
),

trip_days as (
    select
        trader_id,
        trade_date,
        sum(case when is_opening then 1 else 0 end) as opened_trips_count,
        sum(case when is_opening then 0 else 1 end) as closed_trips_count,
        case
            when count(case when is_opening then happened_at_et end) > 1
                then
                    (
                        max(case when is_opening then extract(epoch from happened_at_et) end)
                        - min(
                            case when is_opening then extract(epoch from happened_at_et) end
                        )
                    )
                    / (60.0 * (count(case when is_opening then happened_at_et end) - 1))
        end as mean_minutes_between_trips
    from trip_events
    group by trader_id, trade_date
),

days_joined as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.fills_count,
        trader_days.orders_count,
        coalesce(trip_days.closed_trips_count, 0) as closed_trips_count,
        coalesce(trip_days.opened_trips_count, 0) as opened_trips_count,
        cast(trip_days.mean_minutes_between_trips as double) as mean_minutes_between_trips,
        cast(fill_days.active_seconds as double) / 60 as active_minutes,
        fill_days.timed_fills_count,
        fill_days.gaps_count,
        fill_days.gap_seconds,
        fill_days.square_gap_seconds,
        fill_days.first_hour_fills_count,
        fill_days.morning_fills_count,
        fill_days.last_hour_fills_count,
        fill_days.outside_hours_fills_count,
        hour_days.busiest_hour_fills_ratio,
        hour_days.time_entropy
    from trader_days
    left join fill_days
        on
            trader_days.trader_id = fill_days.trader_id
            and trader_days.trade_date = fill_days.trade_date
    left join hour_days
        on
            trader_days.trader_id = hour_days.trader_id
            and trader_days.trade_date = hour_days.trade_date
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
),

windows_computed as (
    select
        *,
        avg(cast(fills_count as double)) {{ trailing(20) }} as mean_fills_20d,
        avg(cast(opened_trips_count as double)) {{ trailing(20) }} as mean_trips_20d,
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
        {{ safe_ratio('fills_count', 'mean_fills_20d') }} as fills_vs_20d_ratio,
        {{ safe_ratio('opened_trips_count', 'mean_trips_20d') }} as trips_vs_20d_ratio,
        ---------- tempo
        active_minutes,
        {{ safe_ratio('active_minutes', 'mean_active_minutes_20d') }}
            as active_minutes_vs_20d_ratio,
        {{ safe_ratio('gap_seconds', 'gaps_count') }} as mean_seconds_between_fills,
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
        {{ safe_ratio('mean_minutes_between_trips', 'mean_trip_tempo_20d') }}
            as trip_tempo_vs_20d_ratio,
        ---------- time of day
        {{ safe_ratio('first_hour_fills_count', 'timed_fills_count') }}
            as first_hour_fills_ratio,
        {{ safe_ratio('morning_fills_count', 'timed_fills_count') }} as morning_fills_ratio,
        {{ safe_ratio('timed_fills_count - morning_fills_count', 'timed_fills_count') }}
            as afternoon_fills_ratio,
        {{ safe_ratio('last_hour_fills_count', 'timed_fills_count') }}
            as last_hour_fills_ratio,
        {{ safe_ratio('outside_hours_fills_count', 'timed_fills_count') }}
            as outside_hours_fills_ratio,
        busiest_hour_fills_ratio,
        time_entropy
    from windows_computed
)

select * from final
