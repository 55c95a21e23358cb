{# Grain: one row per morning, check and batch of the gate whose warning somebody has accepted. #}
with

lines as (
    {{ desk_lines('accepted_warnings') }}
),

final as (
    select
        cast(lines.as_of_date as date) as as_of_date,
        lines.check_name,
        lines.batch_name,
        lines.accepted_by,
        lines.note
    from lines
)

select * from final
