{# Grain: one row: fills of unknown status, and its names. #}
with

unknown_statuses as (
    select
        fill_status,
        count(*) as fills_count,
        row_number() over (order by count(*) desc, fill_status) as shown_order
    from {{ ref('int_fills_current') }}
    where
        not is_regular
        and not is_cancelled
        and not is_corporate_action
        and fill_status not in ('ASG', 'EXP', 'JRNL', 'OPENING', 'CONVERTED')
    group by fill_status
),

final as (
    select
        'unknown_status' as check_name,
        coalesce(sum(fills_count), 0) as found_count,
        'fills count as journal entries, for their status is unknown: '
        || {{ first_few_joined("fill_status || ' (' || fills_count || ')'") }}
            as finding
    from unknown_statuses
)

select * from final
