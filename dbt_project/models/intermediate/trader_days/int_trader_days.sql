{#
    Grain: one row per trader and trader day: a date on which any of the trader's accounts
    has a regular fill, or P&L or fees without one (an expiry, an assignment).
    is_traded_day says which; what only trading tells is null on the other days.
    What is in no total of the desk is nobody's day. Nor is one of which nobody knows the P&L
    or how much was traded, for want of an exchange rate: it is an alarm, and none of its
    sums would be right.
    Everything here is known at the close of that date.
#}
with

account_days as (
    select
        trader_id,
        trade_date,
        orders_count,
        fills_count,
        quantity,
        gross_pnl,
        total_fees,
        net_pnl,
        open_symbols_count
    from {{ ref('daily_totals') }}
    where is_in_desk_total
),

fill_days as (
    select
        trader_id,
        trade_date,
        bought_notional,
        notional,
        stddev_fill_notional
    from {{ ref('int_trader_day_fills') }}
),

trader_days as (
    select
        trader_id,
        trade_date,
        sum(orders_count) as orders_count,
        sum(fills_count) as fills_count,
        sum(quantity) as quantity,
        sum(gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees,
        sum(net_pnl) as net_pnl,
        sum(open_symbols_count) as open_symbols_count,
        sum(fills_count) > 0 as is_traded_day
    from account_days
    group by trader_id, trade_date
    having
        count(*) = count(net_pnl)
        and (
            sum(fills_count) > 0
            or max(abs(gross_pnl)) > 0
            or max(abs(total_fees)) > 0
        )
),

days_sized as (
    select
        trader_days.*,
        fill_days.notional,
        fill_days.bought_notional,
        fill_days.stddev_fill_notional
    from trader_days
    left join fill_days
        on
            trader_days.trader_id = fill_days.trader_id
            and trader_days.trade_date = fill_days.trade_date
    where fill_days.trader_id is null or fill_days.notional is not null
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- counts
        cast(row_number() over (
            partition by trader_id order by trade_date
        ) as bigint) as trader_days_count,
        cast(sum(case when is_traded_day then 1 else 0 end) over (
            partition by trader_id order by trade_date
            rows between unbounded preceding and current row
        ) as bigint) as traded_days_count,
        cast(orders_count as bigint) as orders_count,
        cast(fills_count as bigint) as fills_count,
        cast(open_symbols_count as bigint) as open_symbols_count,
        ---------- money
        gross_pnl,
        total_fees,
        net_pnl,
        avg(abs(cast(net_pnl as double))) over (
            partition by trader_id order by trade_date
            rows between 19 preceding and current row
        ) as pnl_scale_20d,
        ---------- activity
        quantity,
        notional,
        bought_notional,
        stddev_fill_notional,
        ---------- flags
        is_traded_day
    from days_sized
)

select * from final
