{#
    Grain: one row per account, symbol and flat-to-flat position.
    Input legs never cross zero, so the cash a closed trip leaves behind is its gross
    P&L. A trip says how a trade went; on which day its P&L counts is daily_totals'.
#}
with

fill_legs as (
    select
        account_id,
        trader_id,
        symbol,
        leg_sequence,
        signed_quantity,
        multiplier,
        price,
        total_fees,
        trade_date,
        filled_at_et,
        has_fill_time
    from {{ ref('int_fill_legs') }}
),

running_positions as (
    select
        *,
        sum(signed_quantity) over (
            partition by account_id, symbol order by leg_sequence
            rows between unbounded preceding and current row
        ) as position_after,
        {{ exact_product('signed_quantity', 'price', '1') }} as paid_amount
    from fill_legs
),

legs_numbered as (
    -- A leg that finds the account flat opens the next trip.
    select
        *,
        sum(case when position_after = signed_quantity then 1 else 0 end) over (
            partition by account_id, symbol order by leg_sequence
            rows between unbounded preceding and current row
        ) as trip_number
    from running_positions
),

trips_summarised as (
    select
        account_id,
        trader_id,
        symbol,
        trip_number,
        count(*) as legs_count,
        max(abs(position_after)) as peak_quantity,
        max(multiplier) as multiplier,
        min_by(signed_quantity, leg_sequence) > 0 as is_long,
        max_by(position_after, leg_sequence) = 0 as is_closed,
        sum(case when signed_quantity > 0 then paid_amount end)
        / sum(case when signed_quantity > 0 then signed_quantity end) as buy_price,
        sum(case when signed_quantity < 0 then paid_amount end)
        / sum(case when signed_quantity < 0 then signed_quantity end) as sell_price,
        sum({{ exact_product('-signed_quantity', 'price', 'multiplier') }}) as cash_flow,
        sum(total_fees) as total_fees,
        -- An unknown time would make any holding time up.
        min_by(case when has_fill_time then filled_at_et end, leg_sequence)
            as opened_at_et,
        max_by(case when has_fill_time then filled_at_et end, leg_sequence)
            as last_filled_at_et,
        max_by(trade_date, leg_sequence) as last_trade_date,
        min_by(trade_date, leg_sequence) as opened_date
    from legs_numbered
    group by account_id, trader_id, symbol, trip_number
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trip_number,
        ---------- numbers
        legs_count,
        peak_quantity,
        multiplier,
        case when is_long then buy_price else sell_price end as average_entry_price,
        case when is_long then sell_price else buy_price end as average_exit_price,
        ---------- money: an open trip has spent cash but realised nothing yet
        total_fees,
        case when is_closed then cash_flow end as gross_pnl,
        case when is_closed then cash_flow - total_fees end as net_pnl,
        ---------- flags
        is_long,
        is_closed,
        ---------- times
        opened_date,
        case when is_closed then last_trade_date end as closed_date,
        opened_at_et,
        case when is_closed then last_filled_at_et end as closed_at_et
    from trips_summarised
)

select * from final
