{#
    The fees by name of an account's day built anew add up to its total, to the last digit; of
    an account in another currency each fill's share was rounded by itself.
#}
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
),

account_currencies as (
    select
        account_id,
        currency
    from {{ ref('int_account_currencies') }}
)

select
    coalesce(days.account_id, fees.account_id) as account_id,
    coalesce(days.trade_date, fees.trade_date) as trade_date,
    days.total_fees,
    fees.fee_amount
from days
full outer join fees
    on days.account_id = fees.account_id and days.trade_date = fees.trade_date
left join account_currencies on days.account_id = account_currencies.account_id
where
    days.total_fees is distinct from
    case when fees.account_id is null then 0 else fees.fee_amount end
    and not coalesce(
        account_currencies.currency <> '{{ var("base_currency") }}'
        and abs(days.total_fees - fees.fee_amount) < 0.01,
        false
    )
