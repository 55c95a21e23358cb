{#
    Grain: one row per line of a document that could not be read.
    The cell, the file and the reason in full stay in the raw layer: a file is named after
    its account, and any of them may hold a person's name. What leaves it is one of the
    kinds below; a reason that none of them knows is only told to be there.
#}
with

source as (
    select * from {{ source('propreports', 'quarantine') }}
),

final as (
    select
        resource,
        column_name,
        case
            when reason = 'is empty' then 'is empty'
            when reason = 'holds a line break' then 'holds a line break'
            when reason like 'is not a number%' then 'is not a number that fits'
            when reason like 'is not a whole number%' then 'is not a whole number'
            when reason like 'is not a date%' then 'is not a date'
            when reason like 'is not one of B, S, T, C%' then 'is not a side'
            when reason like 'is longer than%' then 'is not a symbol'
            when reason like 'lies %' then 'is not a possible date'
            when reason like 'times the quantity%' then 'times the quantity is too much'
            when reason like 'carries fees%' then 'are too much'
            when reason like 'has % cells, the header has %'
                then 'row has another number of cells than the header'
            when column_name is null then 'document or row cannot be read'
            else 'cannot be read'
        end as reason_kind,
        trade_date,
        first_date,
        last_date,
        rejected_at
    from source
)

select * from final
