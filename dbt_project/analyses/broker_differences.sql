{# Where do our figures and the broker's differ, and why? One row per kind of difference. #}
select
    difference_class,
    count(*) as account_days_count,
    count(distinct account_id) as accounts_count,
    sum(gross_difference) as gross_difference,
    sum(fees_difference) as fees_difference,
    sum(net_difference) as net_difference,
    max(abs(net_difference)) as largest_net_difference,
    min(trade_date) as first_trade_date,
    max(trade_date) as last_trade_date
from {{ ref('broker_reconciliation') }}
group by difference_class
order by account_days_count desc
