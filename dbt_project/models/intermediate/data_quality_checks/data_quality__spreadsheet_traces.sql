{# Grain: one row: files in which a spreadsheet has changed every row alike. #}
with

traces as (
    select
        resource,
        column_name,
        reason_kind,
        count(*) as files_count,
        row_number() over (
            order by count(*) desc, resource asc, column_name asc, reason_kind asc
        ) as shown_order
    from {{ ref('stg_propreports__quarantine') }}
    where is_loaded
    group by resource, column_name, reason_kind
),

final as (
    select
        'spreadsheet_traces' as check_name,
        coalesce(sum(files_count), 0) as found_count,
        'files are loaded as a spreadsheet left them: '
        || {{ first_few_joined(
            "files_count || ' ' || resource || ', ' || column_name || ' ' || reason_kind"
        ) }} as finding
    from traces
)

select * from final
