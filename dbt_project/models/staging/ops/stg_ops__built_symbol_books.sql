{#
    Grain: one row per book of int_symbol_books that rows of the models of fills may be made
    with: those of the last finished build, and of builds begun since.
#}
with

source as (
    select * from {{ source('ops', 'built_symbol_books') }}
),

final as (
    select distinct
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from source
)

select * from final
