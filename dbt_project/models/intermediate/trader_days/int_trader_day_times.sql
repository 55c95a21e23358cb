{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per trader and traded day with a fill whose time is known.
    When in the day a trader traded.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'trader_days') }}
),

sessions as (
    select
        session_date,
        opens_at_et,
        closes_at_et
    from {{ ref('stg_propreports__sessions') }}
),

fills_placed as (
    -- On a date without a session the hours of a usual one count.
    select
        fills.trader_id,
        fills.trade_date,
        extract(hour from fills.filled_at_et) as fill_hour,
        {{ epoch_seconds('fills.filled_at_et') }} as fill_second,
        {{ epoch_seconds('fills.filled_at_et') }}
        - lag({{ epoch_seconds('fills.filled_at_et') }}) over (
            partition by fills.trader_id, fills.trade_date order by fills.day_sequence
        ) as gap_seconds,
        {{ epoch_seconds('fills.filled_at_et') }}
        - {{ epoch_seconds(
            'coalesce(sessions.opens_at_et, ' ~ at_time('fills.trade_date', 9, 30) ~ ')'
        ) }} as seconds_since_open,
        {{ epoch_seconds(
            'coalesce(sessions.closes_at_et, ' ~ at_time('fills.trade_date', 16, 0) ~ ')'
        ) }}
        - {{ epoch_seconds('fills.filled_at_et') }} as seconds_to_close
    from fills
    left join sessions on fills.trade_date = sessions.session_date
    where fills.is_counted and fills.is_regular and fills.has_fill_time
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

final as (
    select
        ---------- keys
        fill_days.trader_id,
        fill_days.trade_date,
        ---------- tempo
        fill_days.timed_fills_count,
        fill_days.active_seconds,
        fill_days.gaps_count,
        fill_days.gap_seconds,
        fill_days.square_gap_seconds,
        ---------- time of day
        fill_days.first_hour_fills_count,
        fill_days.morning_fills_count,
        fill_days.last_hour_fills_count,
        fill_days.outside_hours_fills_count,
        hour_days.busiest_hour_fills_ratio,
        hour_days.time_entropy
    from fill_days
    inner join hour_days
        on
            fill_days.trader_id = hour_days.trader_id
            and fill_days.trade_date = hour_days.trade_date
)

select * from final
