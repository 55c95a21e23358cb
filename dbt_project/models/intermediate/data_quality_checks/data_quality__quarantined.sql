{# Grain: one row: rows in quarantine, and the commonest reason. #}
with

quarantine as (
    select
        resource,
        column_name,
        reason_kind
    from {{ ref('stg_propreports__quarantine') }}
    where resource <> 'folder' and not is_loaded
),

kinds as (
    select
        count(*) as rows_count,
        concat_ws('.', resource, column_name) || ' ' || reason_kind as kind_text,
        row_number() over (
            order by count(*) desc, concat_ws('.', resource, column_name), reason_kind
        ) as kind_order
    from quarantine
    group by resource, column_name, reason_kind
),

final as (
    select
        'quarantined' as check_name,
        coalesce(sum(rows_count), 0) as found_count,
        'rows or cells could not be read, or repeat another, and are excluded; most often ('
        || max(case when kind_order = 1 then rows_count end) || ') '
        || max(case when kind_order = 1 then kind_text end) as finding
    from kinds
)

select * from final
