{#
    The fees of a fill built anew are the sum of its fees by name, which are of the
    account's currency.
#}
{% set first_date = first_tested_date() %}
with

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        row_number,
        total_fees
    from {{ ref('int_fills_current') }}
    where trade_date >= {{ first_date }}
),

fee_rows as (
    {{ current_rows(ref('stg_propreports__fill_fees'), 'fills') }}
    where versioned.trade_date >= (select min(fills.calendar_date) from fills)
),

fees as (
    select
        account_number,
        trade_date,
        row_number,
        sum(fee_amount) as fee_amount
    from fee_rows
    group by account_number, trade_date, row_number
),

accounts as (
    select
        account_number,
        coalesce(currency, '{{ var("base_currency") }}') as currency
    from {{ ref('int_accounts') }}
),

compared as (
    select
        fills.account_number,
        fills.trade_date,
        fills.total_fees,
        case
            when fees.account_number is null then 0
            else {{ in_base('fees.fee_amount', rate_of('accounts.currency', 'rates')) }}
        end as fee_amount
    from fills
    left join fees
        on
            fills.account_number = fees.account_number
            and fills.calendar_date = fees.trade_date
            and fills.row_number = fees.row_number
    left join accounts on fills.account_number = accounts.account_number
    {{ join_rates('rates', 'accounts.currency', 'fills.trade_date') }}
)

select *
from compared
where total_fees is distinct from fee_amount
