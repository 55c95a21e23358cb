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
        row_number,
        total_fees
    from {{ ref('int_fills_current') }}
    where trade_date >= {{ first_date }}
),

fee_rows as (
    {{ current_rows(ref('stg_propreports__fill_fees'), 'fills') }}
    where versioned.trade_date >= {{ first_date }}
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

fees_rated as (
    select
        fees.*,
        {{ rate_of('accounts.currency', 'rates') }} as exchange_rate
    from fees
    inner join accounts on fees.account_number = accounts.account_number
    {{ join_rates('rates', 'accounts.currency', 'fees.trade_date') }}
),

compared as (
    select
        fills.account_number,
        fills.trade_date,
        fills.total_fees,
        case
            when fees.account_number is null then 0
            else {{ in_base('fees.fee_amount', 'fees.exchange_rate') }}
        end as fee_amount
    from fills
    left join fees_rated as fees
        on
            fills.account_number = fees.account_number
            and fills.trade_date = fees.trade_date
            and fills.row_number = fees.row_number
)

select *
from compared
where total_fees is distinct from fee_amount
