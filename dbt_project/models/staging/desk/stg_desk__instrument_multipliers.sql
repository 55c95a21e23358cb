{#
    Grain: one row per symbol, root or sign of a type.
    The desk's file adds to the project's seed, and goes before it.
#}
with

lines as (
    {{ desk_lines('instrument_multipliers') }}
),

desk_lines as (
    select
        coalesce(lines.symbol_prefix, '') as symbol_prefix,
        lines.instrument_type,
        cast(lines.multiplier as decimal(18, 8)) as multiplier,
        lines.currency,
        lines.note
    from lines
),

project_lines as (
    select
        coalesce(symbol_prefix, '') as symbol_prefix,
        instrument_type,
        multiplier,
        currency,
        note
    from {{ ref('instrument_multipliers') }}
),

final as (
    select * from desk_lines
    union all
    select project_lines.*
    from project_lines
    left join desk_lines on project_lines.symbol_prefix = desk_lines.symbol_prefix
    where desk_lines.symbol_prefix is null
)

select * from final
