{#
    The fees of a fill are the sum of its fees by name. Two accounts with the same fills on
    a date have one content_hash, so that the account tells them apart.
#}
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

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

fee_rows as (
    {{ current_rows(ref('stg_propreports__fill_fees'), 'fills') }}
),

fees as (
    select
        accounts.account_id,
        fee_rows.trade_date,
        fee_rows.content_hash,
        fee_rows.row_number,
        sum(fee_rows.fee_amount) as fee_amount
    from fee_rows
    inner join accounts on fee_rows.account_number = accounts.account_number
    group by
        accounts.account_id, fee_rows.trade_date, fee_rows.content_hash, fee_rows.row_number
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
            fills.account_id = fees.account_id
            and fills.trade_date = fees.trade_date
            and fills.content_hash = fees.content_hash
            and fills.row_number = fees.row_number
)

select *
from compared
where total_fees <> fee_amount
