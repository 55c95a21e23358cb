{#
    Grain: one row per symbol, root or sign of a type.
    The desk's file adds to the project's seed, and goes before it.
#}
with

source as (
    select * from {{ source('desk', 'desk_instrument_multipliers') }}
),

file_held as (
    select content_hash
    from {{ ref('stg_desk__files') }}
    where file_name = 'instrument_multipliers' and lines_count > 0
),

lines as (
    select source.*
    from source
    inner join file_held on source.content_hash = file_held.content_hash
),

desk_lines as (
    select
        coalesce(lines.symbol_prefix, '') as symbol_prefix,
        lines.instrument_type,
        cast(lines.multiplier as decimal(18, 8)) as multiplier,
        lines.note
    from lines
),

project_lines as (
    select
        coalesce(symbol_prefix, '') as symbol_prefix,
        instrument_type,
        multiplier,
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
