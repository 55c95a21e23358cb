{#
    Grain: one row per line of a document that could not be read.
    The cell and the file's name stay in the raw layer: they may hold a person's name.
#}
with

source as (
    select * from {{ source('propreports', 'quarantine') }}
),

final as (
    select
        resource,
        line_number,
        column_name,
        reason,
        trade_date,
        rejected_at
    from source
)

select * from final
