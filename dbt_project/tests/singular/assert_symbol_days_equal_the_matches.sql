{#
    The gross of all days built anew is what both FIFO levels matched, to the last digit, in
    the currencies that it was made in.
#}
{% set first_date = first_tested_date() %}
with

days as (
    select
        account_id,
        sum(local_gross_pnl) as gross_pnl
    from {{ ref('int_symbol_days') }}
    where trade_date >= {{ first_date }}
    group by account_id
),

intraday as (
    select
        account_id,
        sum(
            case when is_buy then -1 else 1 end
            * {{ exact_product('matched_quantity', 'price', 'multiplier') }}
        ) as gross_pnl
    from {{ ref('int_fills_matched') }}
    where trade_date >= {{ first_date }}
    group by account_id
),

overnight as (
    select
        account_id,
        sum(gross_pnl) as gross_pnl
    from {{ ref('int_overnight_lot_matches') }}
    where closed_date >= {{ first_date }}
    group by account_id
)

select
    days.account_id,
    days.gross_pnl,
    intraday.gross_pnl as intraday_gross_pnl,
    overnight.gross_pnl as overnight_gross_pnl
from days
inner join intraday on days.account_id = intraday.account_id
left join overnight on days.account_id = overnight.account_id
where days.gross_pnl <> intraday.gross_pnl + coalesce(overnight.gross_pnl, 0)
