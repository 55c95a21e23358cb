{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
    unique_key=['trader_id', 'trade_date'],
) }}
{#
    Grain: one row per trader and traded day.
    What came after the trader's usual stop (int_usual_stops) was reached.
    A corrected day moves the stops of the days after it: those are built again too.
#}
with

stops as (
    select
        trader_id,
        trade_date,
        usual_stop_pnl
    from {{ ref('int_usual_stops') }}
    where trade_date >= {{ first_built_date() }}
),

planned_days as (
    select
        trader_id,
        trade_date
    from {{ ref('int_planned_trader_days') }}
),

previous_stops as (
    select * from {{ previous_rows({
        'trader_id': 'varchar(100)',
        'trade_date': 'date',
        'usual_stop_pnl': 'double',
    }) }}
),

stops_chosen as (
    select
        stops.trader_id,
        stops.trade_date,
        stops.usual_stop_pnl
    from stops
    left join planned_days
        on
            stops.trader_id = planned_days.trader_id
            and stops.trade_date = planned_days.trade_date
    left join previous_stops
        on
            stops.trader_id = previous_stops.trader_id
            and stops.trade_date = previous_stops.trade_date
    where
        planned_days.trader_id is not null
        or previous_stops.trader_id is null
        or stops.usual_stop_pnl is distinct from previous_stops.usual_stop_pnl
),

fill_results as (
    select
        results.trader_id,
        results.trade_date,
        results.day_sequence,
        results.is_regular,
        results.cumulative_net_pnl,
        stops_chosen.usual_stop_pnl
    from {{ ref('int_fill_results') }} as results
    inner join stops_chosen
        on
            results.trader_id = stops_chosen.trader_id
            and results.trade_date = stops_chosen.trade_date
    where
        stops_chosen.usual_stop_pnl is not null
        and results.trade_date >= {{ first_built_date() }}
),

stops_reached as (
    select
        trader_id,
        trade_date,
        min(day_sequence) as stop_sequence
    from fill_results
    where cast(cumulative_net_pnl as double) <= usual_stop_pnl
    group by trader_id, trade_date
),

fills_past_stop as (
    select
        stops_reached.trader_id,
        stops_reached.trade_date,
        sum(
            case
                when
                    fill_results.is_regular
                    and stops_reached.stop_sequence < fill_results.day_sequence then 1
                else 0
            end
        ) as past_stop_fills_count
    from stops_reached
    inner join fill_results
        on
            stops_reached.trader_id = fill_results.trader_id
            and stops_reached.trade_date = fill_results.trade_date
    group by stops_reached.trader_id, stops_reached.trade_date
),

final as (
    select
        ---------- keys
        stops_chosen.trader_id,
        stops_chosen.trade_date,
        ---------- money
        stops_chosen.usual_stop_pnl,
        ---------- fills after it was reached: null without a stop
        cast(
            case
                when stops_chosen.usual_stop_pnl is not null
                    then coalesce(fills_past_stop.past_stop_fills_count, 0)
            end as bigint
        ) as past_stop_fills_count,
        case
            when stops_chosen.usual_stop_pnl is not null
                then fills_past_stop.trader_id is not null
        end as has_reached_stop
    from stops_chosen
    left join fills_past_stop
        on
            stops_chosen.trader_id = fills_past_stop.trader_id
            and stops_chosen.trade_date = fills_past_stop.trade_date
)

select * from final
