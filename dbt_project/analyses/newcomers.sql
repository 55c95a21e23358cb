{# How do those do who began in the last 60 calendar days? One row per newcomer. #}
with

latest as (
    select max(trade_date) as trade_date from {{ ref('daily_totals') }}
),

newcomers as (
    select
        status.trader_id,
        status.display_name,
        status.forecast_basis,
        status.first_traded_date,
        status.traded_days_count
    from {{ ref('trader_status') }} as status
    cross join latest
    where status.first_traded_date > latest.trade_date - interval '60 days'
)

select
    newcomers.trader_id,
    newcomers.display_name,
    newcomers.forecast_basis,
    newcomers.first_traded_date,
    newcomers.traded_days_count,
    sum(totals.fills_count) as fills_count,
    sum(totals.total_fees) as total_fees,
    sum(totals.net_pnl) as net_pnl,
    min(totals.net_pnl) as worst_account_day_net_pnl
from newcomers
inner join {{ ref('daily_totals') }} as totals
    on newcomers.trader_id = totals.trader_id
group by
    newcomers.trader_id,
    newcomers.display_name,
    newcomers.forecast_basis,
    newcomers.first_traded_date,
    newcomers.traded_days_count
order by newcomers.first_traded_date desc
