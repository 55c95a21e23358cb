{# The fees of an account-day are the sum of the fees by name of its counted fills. #}
with

fills as (
    select
        account_id,
        trade_date,
        content_hash,
        row_number,
        total_fees
    from {{ ref('int_fills_current') }}
),

fees as (
    select
        trade_date,
        content_hash,
        row_number,
        sum(fee_amount) as fee_amount
    from {{ ref('stg_propreports__fill_fees') }}
    group by account_number, trade_date, content_hash, row_number
),

compared as (
    select
        fills.account_id,
        fills.trade_date,
        fills.total_fees,
        coalesce(fees.fee_amount, 0) as fee_amount
    from fills
    left join fees
        on
            fills.trade_date = fees.trade_date
            and fills.content_hash = fees.content_hash
            and fills.row_number = fees.row_number
)

select *
from compared
where total_fees <> fee_amount
