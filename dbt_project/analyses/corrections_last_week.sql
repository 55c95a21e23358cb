{# Which days did the broker correct in the last seven days, and by how much?
   One row per account, day and correction. #}
with

versions as (
    select
        account_id,
        account_number,
        trade_date,
        version_number,
        known_at,
        fills_count,
        cancelled_fills_count,
        total_fees,
        traded_cash_amount,
        lag(fills_count) over (
            partition by account_number, trade_date
            order by version_number
        ) as fills_count_before,
        lag(total_fees) over (
            partition by account_number, trade_date
            order by version_number
        ) as total_fees_before,
        lag(traded_cash_amount) over (
            partition by account_number, trade_date
            order by version_number
        ) as traded_cash_amount_before
    from {{ ref('fill_day_versions') }}
),

latest as (
    select max(known_at) as known_at from {{ ref('fill_day_versions') }}
)

select
    versions.account_id,
    versions.trade_date,
    versions.version_number,
    versions.known_at,
    versions.fills_count - versions.fills_count_before as fills_difference,
    versions.cancelled_fills_count,
    versions.total_fees - versions.total_fees_before as fees_difference,
    versions.traded_cash_amount - versions.traded_cash_amount_before
        as traded_cash_difference
from versions
cross join latest
where
    versions.version_number > 1
    and versions.known_at > latest.known_at - interval '7 days'
order by versions.known_at desc, versions.account_id asc, versions.trade_date asc
