{#
    Grain: one row per morning, batch and check of the gate that was not met, and day
    version that it concerns.
#}
with

source as (
    select * from {{ source('propreports', 'gate_concerns') }}
),

final as (
    select
        as_of as as_of_date,
        batch as batch_name,
        check_name,
        resource,
        account_number,
        trade_date,
        content_hash,
        rows_count
    from source
)

select * from final
