{# Grain: one row per breach and moment at which somebody noted what was done about it. #}
with

lines as (
    {{ desk_lines('breach_notes') }}
),

final as (
    select
        lines.line_number,
        cast(lines.trade_date as date) as trade_date,
        lines.rule,
        lines.scope as scope_type,
        coalesce(lines.name, 'desk') as scope_name,
        cast(replace(replace(lines.noted_at, 'T', ' '), 'Z', '') as timestamp) as noted_at,
        lines.noted_by,
        cast(lines.closes as boolean) as closes,
        lines.note
    from lines
)

select * from final
