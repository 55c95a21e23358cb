{# At which hour (New York) does the desk make and lose money?
   One row per hour of the closing fill, over the last 60 calendar days. #}
with

latest as (
    select max(trade_date) as trade_date from {{ ref('daily_totals') }}
)

select
    extract(hour from fills.filled_at_et) as hour_et,
    count(*) as fills_count,
    count(distinct fills.trader_id) as traders_count,
    sum(fills.realized_gross_pnl) as gross_pnl,
    sum(fills.total_fees) as total_fees,
    sum(fills.realized_gross_pnl) - sum(fills.total_fees) as net_pnl
from {{ ref('fct_fills') }} as fills
cross join latest
where
    fills.is_counted
    and fills.has_fill_time
    and fills.trader_id in (
        select totalled.trader_id
        from {{ ref('dim_accounts') }} as totalled
        where totalled.is_in_desk_total
    )
    and fills.trade_date > latest.trade_date - interval '60 days'
group by extract(hour from fills.filled_at_et)
order by hour_et
