{# The fees by name of an account's day built anew add up to its total, to the last digit. #}
{% set first_date = first_tested_date() %}
with

fees as (
    select
        account_id,
        trade_date,
        sum(fee_amount) as fee_amount
    from {{ ref('fct_fees') }}
    where trade_date >= {{ first_date }}
    group by account_id, trade_date
),

days as (
    select
        account_id,
        trade_date,
        total_fees
    from {{ ref('daily_totals') }}
    where trade_date >= {{ first_date }}
)

select
    coalesce(days.account_id, fees.account_id) as account_id,
    coalesce(days.trade_date, fees.trade_date) as trade_date,
    days.total_fees,
    fees.fee_amount
from days
full outer join fees
    on days.account_id = fees.account_id and days.trade_date = fees.trade_date
where days.total_fees is distinct from coalesce(fees.fee_amount, 0)
