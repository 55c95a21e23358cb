{#
    Grain: one row per line of instruments.csv.
#}
with

lines as (
    {{ desk_lines('instruments') }}
),

final as (
    select
        line_number,
        symbol,
        sector,
        proxy,
        note
    from lines
)

select * from final
