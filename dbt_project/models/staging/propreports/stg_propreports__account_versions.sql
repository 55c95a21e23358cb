{#
    Grain: one row per change of an account's listing: what it was from known_at on.
    The first one counts for all of the account's past.
#}
with

source as (
    select * from {{ source('propreports', 'account_versions') }}
),

final as (
    select
        account_number,
        content_hash,
        is_listed,
        known_at,
        first_seen_at,
        last_seen_at
    from source
)

select * from final
