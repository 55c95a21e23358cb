{# The fees of a fill built anew are the sum of its fees by name. #}
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

compared as (
    select
        fills.account_number,
        fills.trade_date,
        fills.total_fees,
        coalesce(fees.fee_amount, 0) as fee_amount
    from fills
    left join fees
        on
            fills.account_number = fees.account_number
            and fills.trade_date = fees.trade_date
            and fills.row_number = fees.row_number
)

select *
from compared
where total_fees <> fee_amount
