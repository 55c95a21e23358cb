{#
    Grain: one row per beginning of a category, in lower case.
    The desk's file adds to the project's seed, and goes before it.
#}
with

lines as (
    {{ desk_lines('adjustment_categories') }}
),

desk_lines as (
    select
        lower(lines.category_prefix) as category_prefix,
        max(lines.adjustment_class) as adjustment_class
    from lines
    group by lower(lines.category_prefix)
),

project_lines as (
    select
        lower(category_prefix) as category_prefix,
        adjustment_class
    from {{ ref('adjustment_categories') }}
),

final as (
    select * from desk_lines
    union all
    select project_lines.*
    from project_lines
    left join desk_lines on project_lines.category_prefix = desk_lines.category_prefix
    where desk_lines.category_prefix is null
)

select * from final
