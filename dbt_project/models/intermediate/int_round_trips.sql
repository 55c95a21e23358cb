{#
    Grain: one row per account, symbol and flat-to-flat position.
    Input legs never cross zero, so the cash a closed trip leaves behind is its gross
    P&L. A trip says how a trade went; on which day its P&L counts is daily_totals'.
    A trip is its last fill's trader's; opening_trader_id opened it.
#}
with

fill_legs as (
    select
        account_id,
        trader_id,
        symbol,
        leg_sequence,
        day_sequence,
        signed_quantity,
        position_after,
        multiplier,
        price,
        total_fees,
        trade_date,
        filled_at_et,
        has_fill_time
    from {{ ref('int_fill_legs') }}
),

legs_paid as (
    select
        *,
        {{ exact_product('signed_quantity', 'price', '1') }} as paid_amount
    from fill_legs
),

legs_numbered as (
    -- A leg that finds the account flat opens the next trip.
    select
        *,
        abs(position_after) > abs(position_after - signed_quantity) as is_entering,
        cast(
            sum(case when position_after = signed_quantity then 1 else 0 end) over (
                partition by account_id, symbol order by leg_sequence
                rows between unbounded preceding and current row
            ) as bigint
        ) as trip_number
    from legs_paid
),

entries_running as (
    select
        *,
        min(trade_date) over (
            partition by account_id, symbol, trip_number
        ) as opened_date,
        sum(case when is_entering then abs(signed_quantity) else 0 end) over (
            partition by account_id, symbol, trip_number order by leg_sequence
            rows between unbounded preceding and 1 preceding
        ) as entered_quantity,
        sum(case when is_entering then abs(paid_amount) else 0 end) over (
            partition by account_id, symbol, trip_number order by leg_sequence
            rows between unbounded preceding and 1 preceding
        ) as entered_amount
    from legs_numbered
),

legs_compared as (
    -- Against the mean price of what the trip had entered so far: buying lower, or
    -- shorting higher, is adding to a position that loses.
    select
        *,
        coalesce(
            is_entering and entered_quantity > 0
            and case
                when signed_quantity > 0
                    then {{ exact_product('entered_quantity', 'price', '1') }} < entered_amount
                else {{ exact_product('entered_quantity', 'price', '1') }} > entered_amount
            end,
            false
        ) as averages_down,
        case
            when is_entering
                then abs({{ exact_product('signed_quantity', 'price', 'multiplier') }})
            else 0
        end as entry_notional
    from entries_running
),

trips_summarised as (
    select
        account_id,
        symbol,
        trip_number,
        max_by(trader_id, leg_sequence) as trader_id,
        min_by(trader_id, leg_sequence) as opening_trader_id,
        min_by(day_sequence, leg_sequence) as opening_day_sequence,
        max_by(day_sequence, leg_sequence) as closing_day_sequence,
        count(*) as fills_count,
        max(abs(position_after)) as peak_quantity,
        max(multiplier) as multiplier,
        min_by(signed_quantity, leg_sequence) > 0 as is_long,
        max_by(position_after, leg_sequence) = 0 as is_closed,
        sum(case when averages_down then 1 else 0 end) > 0 as has_averaged_down,
        sum(case when signed_quantity > 0 then paid_amount end)
        / sum(case when signed_quantity > 0 then signed_quantity end) as buy_price,
        sum(case when signed_quantity < 0 then paid_amount end)
        / sum(case when signed_quantity < 0 then signed_quantity end) as sell_price,
        sum({{ exact_product('-signed_quantity', 'price', 'multiplier') }}) as cash_flow,
        sum(total_fees) as total_fees,
        sum(entry_notional) as entry_notional,
        sum(case when trade_date = opened_date then entry_notional else 0 end)
            as opening_day_entry_notional,
        -- An unknown time would make any holding time up.
        case when min_by(has_fill_time, leg_sequence) then min(filled_at_et) end
            as opened_at_et,
        case when max_by(has_fill_time, leg_sequence) then max(filled_at_et) end
            as last_filled_at_et,
        max_by(trade_date, leg_sequence) as last_trade_date,
        min(opened_date) as opened_date
    from legs_compared
    group by account_id, symbol, trip_number
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trip_number,
        opening_trader_id,
        opening_day_sequence,
        case when is_closed then closing_day_sequence end as closing_day_sequence,
        ---------- numbers
        fills_count,
        peak_quantity,
        multiplier,
        case when is_long then buy_price else sell_price end as average_entry_price,
        case when is_long then sell_price else buy_price end as average_exit_price,
        ---------- money: an open trip has spent cash but realised nothing yet
        cast(entry_notional as decimal(38, 8)) as entry_notional,
        cast(opening_day_entry_notional as decimal(38, 8)) as opening_day_entry_notional,
        total_fees,
        case when is_closed then cash_flow end as gross_pnl,
        case when is_closed then cash_flow - total_fees end as net_pnl,
        ---------- flags
        is_long,
        is_closed,
        has_averaged_down,
        ---------- times
        opened_date,
        case when is_closed then last_trade_date end as closed_date,
        opened_at_et,
        case when is_closed then last_filled_at_et end as closed_at_et
    from trips_summarised
)

select * from final
