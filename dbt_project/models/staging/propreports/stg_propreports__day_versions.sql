{# Grain: one row per change of an account's day: what it held from known_at on. #}
with

source as (
    select * from {{ source('propreports', 'day_versions') }}
),

final as (
    select
        resource,
        account_number,
        trade_date,
        content_hash,
        rows_count,
        known_at,
        first_seen_at,
        last_seen_at
    from source
)

select * from final
