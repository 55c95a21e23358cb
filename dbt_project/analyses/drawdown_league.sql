{# How far is each trader below the best ever reached, and since when?
   One row per trader, realized and after fees. #}
with

days as (
    select
        trader_id,
        trade_date,
        sum(net_pnl) as net_pnl
    from {{ ref('daily_totals') }}
    where is_in_desk_total
    group by trader_id, trade_date
),

equity as (
    select
        trader_id,
        trade_date,
        sum(net_pnl) over (
            partition by trader_id
            order by trade_date
            rows between unbounded preceding and current row
        ) as equity,
        row_number() over (partition by trader_id order by trade_date desc) as date_rank
    from days
),

peaks as (
    select
        trader_id,
        trade_date,
        equity,
        date_rank,
        -- Before the first trade the trader stands at nothing, which is a peak too.
        greatest(
            0,
            max(equity) over (
                partition by trader_id
                order by trade_date
                rows between unbounded preceding and current row
            )
        ) as peak
    from equity
)

select
    trader_id,
    max(case when date_rank = 1 then equity end) as net_pnl_to_date,
    max(case when date_rank = 1 then peak end) as peak_to_date,
    max(case when date_rank = 1 then peak - equity end) as drawdown_now,
    max(peak - equity) as drawdown_max,
    max(case when equity = peak then trade_date end) as last_at_peak_date
from peaks
group by trader_id
order by drawdown_now desc
