{#
    Grain: one row per line of opening_lots.csv.
#}
with

lines as (
    {{ desk_lines('opening_lots') }}
),

final as (
    select
        content_hash,
        line_number,
        account_id,
        symbol,
        cast(opened_date as date) as opened_date,
        cast(quantity as decimal(18, 8)) as signed_quantity,
        cast(price as decimal(18, 8)) as price,
        note
    from lines
)

select * from final
