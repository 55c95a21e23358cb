{#
    Grain: one row per ending of symbols.
    The desk's file adds to the project's seed, and goes before it.
#}
with

desk_lines as (
    {{ desk_lines('currency_suffixes') }}
),

final as (
    select
        symbol_suffix,
        currency
    from desk_lines
    union all
    select
        project_lines.symbol_suffix,
        project_lines.currency
    from {{ ref('currency_suffixes') }} as project_lines
    left join desk_lines on project_lines.symbol_suffix = desk_lines.symbol_suffix
    where desk_lines.symbol_suffix is null
)

select * from final
