{#
    Grain: one row per account and date whose fills this run builds anew.
    Those that are new, corrected, gone or another trader's since the last finished build,
    and the other accounts of the same traders on these dates, because the fills of a
    trader's day are numbered together.
#}
with

fill_days as (
    select
        account_id,
        trader_id,
        trade_date,
        account_number,
        content_hash,
        fills_count
    from {{ ref('int_fill_days') }}
),

built_days as (
    select
        account_id,
        trader_id,
        trade_date,
        account_number,
        content_hash
    from {{ ref('stg_ops__built_fill_days') }}
),

days_compared as (
    select
        coalesce(fill_days.account_id, built_days.account_id) as account_id,
        coalesce(fill_days.trade_date, built_days.trade_date) as trade_date,
        fill_days.trader_id,
        coalesce(fill_days.fills_count, 0) as fills_count,
        built_days.trader_id as built_trader_id,
        built_days.account_number as built_account_number,
        built_days.content_hash as built_content_hash,
        coalesce(fill_days.trader_id, '') <> coalesce(built_days.trader_id, '')
        or coalesce(fill_days.account_number, '') <> coalesce(built_days.account_number, '')
        or coalesce(fill_days.content_hash, '') <> coalesce(built_days.content_hash, '')
            as is_changed
    from fill_days
    full outer join built_days
        on
            fill_days.account_id = built_days.account_id
            and fill_days.trade_date = built_days.trade_date
),

trader_days as (
    select
        trader_id,
        trade_date
    from days_compared
    where is_changed and trader_id is not null
    union
    select
        built_trader_id as trader_id,
        trade_date
    from days_compared
    where is_changed and built_trader_id is not null
),

final as (
    select
        ---------- keys
        days_compared.account_id,
        days_compared.trade_date,
        ---------- as it is now: null where the day is gone
        days_compared.trader_id,
        days_compared.fills_count,
        ---------- as it was built: null where it was not
        days_compared.built_trader_id,
        days_compared.built_account_number,
        days_compared.built_content_hash
    from days_compared
    left join trader_days
        on
            days_compared.trader_id = trader_days.trader_id
            and days_compared.trade_date = trader_days.trade_date
    where days_compared.is_changed or trader_days.trader_id is not null
)

select * from final
