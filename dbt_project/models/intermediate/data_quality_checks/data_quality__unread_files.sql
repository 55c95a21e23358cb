{# Grain: one row: files and folders beside the exports that nothing is read of. #}
with

unread_files as (
    select
        reason_kind,
        count(*) as files_count,
        row_number() over (order by count(*) desc, reason_kind) as shown_order
    from {{ ref('stg_propreports__quarantine') }}
    where resource = 'folder'
    group by reason_kind
),

final as (
    select
        'unread_files' as check_name,
        coalesce(sum(files_count), 0) as found_count,
        'files or folders of the exports are not read: '
        || {{ first_few_joined("files_count || ' ' || reason_kind") }} as finding
    from unread_files
)

select * from final
