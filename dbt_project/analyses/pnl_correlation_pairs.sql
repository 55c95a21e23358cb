{# Which traders win and lose together?
   One row per pair of traders with 20 or more common days, in the last 90 days. #}
with

latest as (
    select max(trade_date) as trade_date from {{ ref('daily_totals') }}
),

days as (
    select
        totals.trader_id,
        totals.trade_date,
        sum(totals.net_pnl) as net_pnl
    from {{ ref('daily_totals') }} as totals
    cross join latest
    where
        totals.fills_count > 0
        and totals.is_in_desk_total
        and totals.trade_date > latest.trade_date - interval '90 days'
    group by totals.trader_id, totals.trade_date
)

select
    days.trader_id,
    partners.trader_id as other_trader_id,
    count(*) as common_days_count,
    corr(cast(days.net_pnl as double), cast(partners.net_pnl as double)) as pnl_correlation,
    sum(case when days.net_pnl < 0 and partners.net_pnl < 0 then 1 else 0 end)
        as days_both_lost_count
from days
inner join days as partners
    on
        days.trade_date = partners.trade_date
        and days.trader_id < partners.trader_id
group by days.trader_id, partners.trader_id
having count(*) >= 20
order by pnl_correlation desc, days.trader_id asc, partners.trader_id asc
