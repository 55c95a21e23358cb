{# Who trades larger after a loss than after a win?
   One row per trader, as of the trader's latest traded day. #}
with

days as (
    select
        trader_id,
        trade_date,
        size_after_loss_vs_win_ratio_20d,
        past_stop_days_ratio_20d,
        row_number() over (partition by trader_id order by trade_date desc) as date_rank
    from {{ ref('feat_trader_day_tilt') }}
)

select
    trader_id,
    trade_date,
    size_after_loss_vs_win_ratio_20d,
    past_stop_days_ratio_20d
from days
where date_rank = 1
order by size_after_loss_vs_win_ratio_20d desc nulls last, trader_id asc
