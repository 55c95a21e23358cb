{#
    Grain: one row per account number, trade date and version of its fills.
    What an account's day held from known_at until superseded_at: a late fill, a bust, a
    price correction or new fees make a new version, and the one before stays.
#}
with

day_versions as (
    select
        account_number,
        trade_date,
        content_hash,
        known_at,
        first_seen_at,
        last_seen_at
    from {{ ref('stg_propreports__day_versions') }}
    where resource = 'fills'
),

fill_totals as (
    select
        account_number,
        trade_date,
        content_hash,
        fills_count,
        cancelled_fills_count,
        quantity,
        total_fees,
        traded_cash_amount
    from {{ ref('int_fill_version_totals') }}
),

account_ids as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

final as (
    select
        ---------- keys
        day_versions.account_number,
        account_ids.account_id,
        day_versions.trade_date,
        cast(row_number() over (
            partition by day_versions.account_number, day_versions.trade_date
            order by day_versions.known_at
        ) as bigint) as version_number,
        ---------- numbers
        cast(coalesce(fill_totals.fills_count, 0) as bigint) as fills_count,
        cast(coalesce(fill_totals.cancelled_fills_count, 0) as bigint)
            as cancelled_fills_count,
        cast(coalesce(fill_totals.quantity, 0) as decimal(38, 8)) as quantity,
        ---------- money
        cast(coalesce(fill_totals.total_fees, 0) as decimal(38, 8)) as total_fees,
        cast(coalesce(fill_totals.traded_cash_amount, 0) as decimal(38, 8))
            as traded_cash_amount,
        ---------- times
        day_versions.known_at,
        lead(day_versions.known_at) over (
            partition by day_versions.account_number, day_versions.trade_date
            order by day_versions.known_at
        ) as superseded_at,
        day_versions.first_seen_at,
        day_versions.last_seen_at
    from day_versions
    inner join account_ids on day_versions.account_number = account_ids.account_number
    -- A day whose rows all vanished has no rows to add up.
    left join fill_totals
        on
            day_versions.account_number = fill_totals.account_number
            and day_versions.trade_date = fill_totals.trade_date
            and day_versions.content_hash = fill_totals.content_hash
)

select * from final
