{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per fill at which a trader's day went further than before: down, back
    from its peak, to one more closed trip, or to a longer row of losing ones. A rule on
    one of these figures is hit at the first fill that has reached it, so no other fill
    matters. Null is a figure that went no further at this fill.
    And one row per day for the moment before its first fill, day_sequence 0: not to trade
    at all that day.
#}
with

fill_results as (
    {{ planned_rows(ref('int_fill_results'), 'trader_days') }}
),

fills_matched as (
    {{ planned_rows(ref('int_fills_matched'), 'trader_days') }}
),

trip_events as (
    {{ planned_rows(ref('int_trip_sequences'), 'trader_days') }}
),

closings as (
    -- What an expiry closes is closed without a fill, and no rule can be hit at it.
    select
        trader_id,
        trade_date,
        day_sequence,
        net_pnl < 0 as is_losing,
        row_number() over (
            partition by trader_id, trade_date order by day_sequence, account_id, symbol
        ) as trades_count
    from trip_events
    where not is_opening
),

closings_in_a_row as (
    -- A row of losing trips is all since the last one that breaks it. A result that
    -- nobody knows breaks it.
    select
        trader_id,
        trade_date,
        day_sequence,
        trades_count,
        trades_count - coalesce(
            {{ last_so_far(
                'case when coalesce(not is_losing, true) then trades_count end',
                'trader_id, trade_date',
                'trades_count',
            ) }},
            0
        ) as losing_in_a_row_count
    from closings
),

longest_rows as (
    select
        *,
        coalesce(
            max(losing_in_a_row_count) over (
                partition by trader_id, trade_date order by trades_count
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as longest_before
    from closings_in_a_row
),

gave_back as (
    -- What was never made cannot be given back.
    select
        trader_id,
        trade_date,
        day_sequence,
        cumulative_net_pnl,
        case when running_peak_net_pnl > 0 then running_peak_net_pnl - cumulative_net_pnl end
            as give_back_amount,
        stop_effect,
        replaced_notional,
        has_fill_time,
        filled_at_et
    from fill_results
),

compared as (
    select
        *,
        cumulative_net_pnl
        < least(coalesce(min(cumulative_net_pnl) over day_before, 0), 0) as is_lowest,
        give_back_amount > coalesce(max(give_back_amount) over day_before, 0)
            as is_most_given_back
    from gave_back
    window day_before as (
        partition by trader_id, trade_date order by day_sequence
        rows between unbounded preceding and 1 preceding
    )
),

with_closings as (
    select
        compared.*,
        longest_rows.trades_count,
        case
            when longest_rows.losing_in_a_row_count > longest_rows.longest_before
                then longest_rows.losing_in_a_row_count
        end as losing_in_a_row_count
    from compared
    left join longest_rows
        on
            compared.trader_id = longest_rows.trader_id
            and compared.trade_date = longest_rows.trade_date
            and compared.day_sequence = longest_rows.day_sequence
    where
        compared.is_lowest
        or compared.is_most_given_back
        or longest_rows.trades_count is not null
),

day_starts as (
    select
        trader_id,
        trade_date,
        cast(0 as bigint) as day_sequence,
        case when count(stop_step) = count(*) then sum(stop_step) end as stop_effect,
        case when count(stop_step) = count(*) then sum(replaced_step) end
            as replaced_notional
    from fills_matched
    group by trader_id, trade_date
),

points as (
    select
        ---------- keys
        trader_id,
        trade_date,
        day_sequence,
        ---------- how far the day has gone
        case when is_lowest then cast(-cumulative_net_pnl as decimal(38, 8)) end
            as loss_amount,
        case when is_most_given_back then cast(give_back_amount as decimal(38, 8)) end
            as give_back_amount,
        cast(trades_count as bigint) as trades_count,
        cast(losing_in_a_row_count as bigint) as losing_in_a_row_count,
        ---------- what stopping here would have done
        cumulative_net_pnl as net_pnl_so_far,
        stop_effect,
        replaced_notional,
        ---------- times: of these few alone, for a zone of time costs
        case when has_fill_time then {{ to_utc('filled_at_et') }} end as happened_at
    from with_closings
),

final as (
    select * from points
    union all
    select
        trader_id,
        trade_date,
        day_sequence,
        cast(null as decimal(38, 8)) as loss_amount,
        cast(null as decimal(38, 8)) as give_back_amount,
        cast(null as bigint) as trades_count,
        cast(null as bigint) as losing_in_a_row_count,
        cast(0 as decimal(38, 8)) as net_pnl_so_far,
        cast(stop_effect as decimal(38, 8)) as stop_effect,
        cast(replaced_notional as decimal(38, 8)) as replaced_notional,
        cast(null as timestamp) as happened_at
    from day_starts
)

select * from final
