{#
    Grain: one row per line of a document that could not be read.
    The cell itself stays in the raw layer: it may hold anything, names included.
#}
with

source as (
    select * from {{ source('propreports', 'quarantine') }}
),

final as (
    select
        resource,
        origin,
        line_number,
        column_name,
        reason,
        rejected_at
    from source
)

select * from final
