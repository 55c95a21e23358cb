{#
    Grain: one row per symbol, root or sign of a type, date from which it holds, and whether
    the desk's file or the project's seed says it. A line without a time ends a cut-off.
#}
with

lines as (
    {{ desk_lines('session_cutoffs') }}
),

desk_lines as (
    select
        coalesce(symbol_prefix, '') as symbol_prefix,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        cutoff_time,
        true as is_told
    from lines
),

project_lines as (
    select
        coalesce(symbol_prefix, '') as symbol_prefix,
        {{ min_date() }} as valid_from,
        cutoff_time,
        false as is_told
    from {{ ref('session_cutoffs') }}
),

all_lines as (
    select * from desk_lines
    union all
    select * from project_lines
),

final as (
    select
        symbol_prefix,
        valid_from,
        60 * cast(left(cutoff_time, 2) as int) + cast(right(cutoff_time, 2) as int)
            as cutoff_minute,
        is_told
    from all_lines
)

select * from final
