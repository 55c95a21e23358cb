{# Where do our figures and the broker's differ, and why? One row per kind of difference. #}
select
    difference_class,
    count(*) as account_days_count,
    count(distinct account_id) as accounts_count,
    count(case when status = 'open' then 1 end) as open_days_count,
    max(case when status = 'open' then age_sessions_count end) as oldest_sessions_count,
    sum(abs(difference_amount)) as difference_amount,
    sum(gross_difference) as gross_difference,
    sum(fees_difference) as fees_difference,
    sum(net_difference) as net_difference,
    max(abs(net_difference)) as largest_net_difference,
    min(trade_date) as first_trade_date,
    max(trade_date) as last_trade_date
from {{ ref('broker_reconciliation') }}
group by difference_class
order by account_days_count desc
