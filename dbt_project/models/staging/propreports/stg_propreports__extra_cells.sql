{#
    Grain: one row per row of a document and column of it that is declared nowhere.
    Columns that are known to differ by account are no news. What the cell says stays in
    the raw layer: nobody knows what it is.
#}
with

source as (
    select * from {{ source('propreports', 'extra_cells') }}
),

final as (
    select
        resource,
        account_number,
        trade_date,
        content_hash,
        row_number,
        column_name
    from source
    where not is_known
)

select * from final
