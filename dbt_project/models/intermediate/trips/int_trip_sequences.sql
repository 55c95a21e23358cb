{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per opening or closing of a round trip, in the order of the trader's
    day. What a trader does next after a trade, and what came before one, is read off
    here. Only the day's own fills count: a trip's size is what it entered that day.
    A fill through zero closes a trip before it opens the next.
#}
with

opened_trips as (
    {{ planned_rows(
        ref('int_round_trips'), 'trader_days', 'opened_date', 'opening_trader_id'
    ) }}
),

closed_trips as (
    {{ planned_rows(ref('int_round_trips'), 'trader_days', 'closed_date') }}
),

events as (
    select
        account_id,
        symbol,
        opening_sequence,
        opening_trader_id as trader_id,
        opened_date as trade_date,
        opening_day_sequence as day_sequence,
        true as is_opening,
        opened_at_et as happened_at_et,
        opening_day_entry_notional as entry_notional,
        cast(null as double) as net_pnl
    from opened_trips
    union all
    select
        account_id,
        symbol,
        opening_sequence,
        trader_id,
        closed_date as trade_date,
        closing_day_sequence as day_sequence,
        false as is_opening,
        closed_at_et as happened_at_et,
        cast(null as decimal(38, 8)) as entry_notional,
        cast(net_pnl as double) as net_pnl
    from closed_trips
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        opening_sequence,
        trader_id,
        trade_date,
        day_sequence,
        ---------- flags
        is_opening,
        ---------- numbers
        entry_notional,
        net_pnl,
        {{ last_preceding(
            'net_pnl', 'trader_id, trade_date', 'day_sequence, is_opening'
        ) }} as previous_net_pnl,
        count(case when is_opening then 1 end) over (
            partition by trader_id, trade_date order by day_sequence, is_opening
            rows between unbounded preceding and current row
        ) as opening_number,
        count(case when is_opening then 1 end) over (
            partition by trader_id, trade_date order by day_sequence, is_opening
            rows between unbounded preceding and unbounded following
        ) as openings_count,
        ---------- times
        happened_at_et,
        {{ first_following(
            'case when is_opening then happened_at_et end',
            'trader_id, trade_date',
            'day_sequence, is_opening',
        ) }} as next_opened_at_et
    from events
)

select * from final
