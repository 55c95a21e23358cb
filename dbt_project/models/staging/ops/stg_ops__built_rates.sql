{#
    Grain: one row per currency and date from which a rate counted in the last finished
    build. Empty before the first.
#}
with

source as (
    select * from {{ source('ops', 'built_rates') }}
),

final as (
    select
        ---------- keys
        currency,
        valid_from,
        ---------- numbers
        exchange_rate
    from source
)

select * from final
