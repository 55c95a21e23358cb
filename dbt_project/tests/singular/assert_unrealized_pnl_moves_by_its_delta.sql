{# Unrealized P&L of an account is the day before's plus the day's delta, exactly. #}
with

days as (
    select
        account_id,
        trade_date,
        unrealized_pnl,
        unrealized_delta,
        lag(unrealized_pnl, 1, cast(0 as decimal(38, 8))) over (
            partition by account_id order by trade_date
        ) as previous_unrealized_pnl
    from {{ ref('daily_totals') }}
)

select
    account_id,
    trade_date
from days
where unrealized_pnl <> previous_unrealized_pnl + unrealized_delta
