{# Who has no daily loss limit, and which do the trader's own days propose?
   One row per trader of the latest forecasts for whom the desk has set none. #}
select
    trader_id,
    daily_loss_limit_amount as default_limit_amount,
    one_in_twenty_amount,
    usual_days_amount,
    days_count,
    daily_loss_limit_passed_count as default_passed_count,
    one_in_twenty_passed_count,
    usual_days_passed_count
from {{ ref('proposed_limits') }}
where not is_limit_set
order by usual_days_amount desc nulls last, trader_id asc
