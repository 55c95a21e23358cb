{# Grain: one row per file of the desk: the version of it that holds. #}
with

source as (
    select * from {{ source('desk', 'desk_files') }}
),

latest as (
    select
        file_name,
        max(known_at) as known_at
    from source
    group by file_name
),

final as (
    select
        source.file_name,
        source.content_hash,
        source.lines_count,
        source.known_at,
        source.first_seen_at
    from source
    inner join latest
        on
            source.file_name = latest.file_name
            and source.known_at = latest.known_at
)

select * from final
