{#
    Grain: one row per morning, check and batch of the gate whose warning somebody has
    accepted. accepted_at is when the line was first there as it is: what was found later
    under the same name nobody has seen.
#}
with

lines as (
    {{ desk_lines('accepted_warnings') }}
),

files as (
    select
        content_hash,
        first_seen_at
    from {{ source('desk', 'desk_files') }}
    where file_name = 'accepted_warnings'
),

lines_ever as (
    select
        all_lines.as_of_date,
        all_lines.check_name,
        all_lines.batch_name,
        all_lines.accepted_by,
        coalesce(all_lines.note, '') as note,
        min(files.first_seen_at) as accepted_at
    from {{ source('desk', 'desk_accepted_warnings') }} as all_lines
    inner join files on all_lines.content_hash = files.content_hash
    group by
        all_lines.as_of_date,
        all_lines.check_name,
        all_lines.batch_name,
        all_lines.accepted_by,
        coalesce(all_lines.note, '')
),

final as (
    select
        cast(lines.as_of_date as date) as as_of_date,
        lines.check_name,
        lines.batch_name,
        lines.accepted_by,
        lines.note,
        lines_ever.accepted_at
    from lines
    inner join lines_ever
        on
            lines.as_of_date = lines_ever.as_of_date
            and lines.check_name = lines_ever.check_name
            and lines.batch_name = lines_ever.batch_name
            and lines.accepted_by = lines_ever.accepted_by
            and coalesce(lines.note, '') = lines_ever.note
)

select * from final
