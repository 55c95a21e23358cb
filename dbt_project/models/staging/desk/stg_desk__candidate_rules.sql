{#
    Grain: one row per line of candidate_rules.csv; of the project's seed where the desk's
    file has none.
#}
with

lines as (
    {{ desk_lines('candidate_rules') }}
),

final as (
    select
        lines.line_number,
        lines.rule,
        lines.note
    from lines
    union all
    select
        cast(null as bigint) as line_number,
        rule,
        note
    from {{ ref('candidate_rules') }}
    where not exists (select 1 from lines)
)

select * from final
