{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per trader and date on which a trip was opened or closed.
    How many trips, how large, how soon after one another, and after what. A trip's size
    is what it entered on the day it opened: what was added later is not known then.
#}
with

events as (
    {{ planned_rows(ref('int_trip_sequences'), 'trader_days') }}
),

trip_events as (
    select
        *,
        coalesce(
            {{ dbt.datediff('happened_at_et', 'next_opened_at_et', 'second') }}
            <= 60 * {{ var('revenge_window_minutes') }},
            false
        ) as is_reentered
    from events
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- how many
        {{ count_where('is_opening') }} as opened_trips_count,
        {{ count_where('not is_opening') }} as closed_trips_count,
        {{ count_where('net_pnl < 0') }} as losing_trips_count,
        ---------- how soon after one another
        cast(
            case
                when count(case when is_opening then happened_at_et end) > 1
                    then
                        (
                            max(
                                case
                                    when is_opening
                                        then {{ epoch_seconds('happened_at_et') }}
                                end
                            )
                            - min(
                                case
                                    when is_opening
                                        then {{ epoch_seconds('happened_at_et') }}
                                end
                            )
                        )
                        / (60.0 * (count(case when is_opening then happened_at_et end) - 1))
            end as double
        ) as mean_minutes_between_trips,
        ---------- how large
        case
            when count(case when is_opening then 1 end) > 0
                then
                    cast(sum(case when is_opening then entry_notional end) as double)
                    / count(case when is_opening then 1 end)
        end as mean_trip_notional,
        {{ population_stddev(
            'case when is_opening then entry_notional end',
            digits=4,
        ) }} as stddev_trip_notional,
        max(case when is_opening then entry_notional end) as largest_trip_notional,
        -- The middle one of an odd number belongs to neither half.
        case
            when max(openings_count) >= 4
                then
                    {{ safe_divide(
                        'sum(case when is_opening and 2 * opening_number > '
                        ~ 'openings_count + 1 then entry_notional end)',
                        'sum(case when is_opening and 2 * opening_number < '
                        ~ 'openings_count + 1 then entry_notional end)',
                    ) }}
        end as intraday_size_creep_ratio,
        ---------- after what
        count(case when net_pnl < 0 then happened_at_et end) as timed_losses_count,
        count(case when net_pnl < 0 and is_reentered then happened_at_et end)
            as reentered_losses_count,
        count(case when net_pnl > 0 then happened_at_et end) as timed_wins_count,
        count(case when net_pnl > 0 and is_reentered then happened_at_et end)
            as reentered_wins_count,
        cast(sum(case when previous_net_pnl < 0 then entry_notional end) as double)
            as notional_after_loss,
        count(case when previous_net_pnl < 0 then entry_notional end) as trips_after_loss,
        cast(sum(case when previous_net_pnl > 0 then entry_notional end) as double)
            as notional_after_win,
        count(case when previous_net_pnl > 0 then entry_notional end) as trips_after_win
    from trip_events
    group by trader_id, trade_date
)

select * from final
