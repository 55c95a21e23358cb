{#
    Grain: one row per line of instruments.csv, those that are refused included.
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
        note,
        refused_for
    from lines
)

select * from final
