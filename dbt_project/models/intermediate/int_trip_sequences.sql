{{ config(materialized='rebuilt', rebuilds='trader_days') }}
{#
    Grain: one row per opening or closing of a round trip, in the order of the trader's
    day. What a trader does next after a trade, and what came before one, is read off
    here. Only the day's own fills count: a trip's size is what it entered that day.
    A fill through zero closes a trip before it opens the next.
#}
with

rebuilt_days as (
    select
        trader_id,
        trade_date
    from {{ ref('int_rebuilt_trader_days') }}
    where trade_date between {{ batch_begins() }} and {{ batch_ends() }}
),

events as (
    select
        round_trips.account_id,
        round_trips.symbol,
        round_trips.opening_sequence,
        round_trips.opening_trader_id as trader_id,
        round_trips.opened_date as trade_date,
        round_trips.opening_day_sequence as day_sequence,
        true as is_opening,
        round_trips.opened_at_et as happened_at_et,
        round_trips.opening_day_entry_notional as entry_notional,
        cast(null as double) as net_pnl
    from {{ ref('int_round_trips') }} as round_trips
    inner join rebuilt_days
        on
            round_trips.opening_trader_id = rebuilt_days.trader_id
            and round_trips.opened_date = rebuilt_days.trade_date
    where round_trips.opened_date between {{ batch_begins() }} and {{ batch_ends() }}
    union all
    select
        round_trips.account_id,
        round_trips.symbol,
        round_trips.opening_sequence,
        round_trips.trader_id,
        round_trips.closed_date as trade_date,
        round_trips.closing_day_sequence as day_sequence,
        false as is_opening,
        round_trips.closed_at_et as happened_at_et,
        cast(null as decimal(38, 8)) as entry_notional,
        cast(round_trips.net_pnl as double) as net_pnl
    from {{ ref('int_round_trips') }} as round_trips
    inner join rebuilt_days
        on
            round_trips.trader_id = rebuilt_days.trader_id
            and round_trips.closed_date = rebuilt_days.trade_date
    where round_trips.closed_date between {{ batch_begins() }} and {{ batch_ends() }}
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
