{# Grain: one row: kinds of check of the gate that are not met and stand. #}
with

gate_warnings as (
    select
        as_of_date,
        check_name,
        severity,
        finding,
        is_of_today
    from {{ ref('int_gate_warnings') }}
    where accepted_by is null
),

unmet_checks as (
    select
        -- One batch stands for all of them.
        max(finding) || ' [' || check_name || case
            when count(*) > 1 then ', the like in ' || (count(*) - 1) || ' more'
            else ''
        end || case
            when max(case when is_of_today then 1 else 0 end) = 1 then ''
            else ', since ' || min(as_of_date)
        end || ']' as finding_text,
        row_number() over (
            order by min(severity), check_name
        ) as shown_order
    from gate_warnings
    group by check_name
),

final as (
    select
        'gate_warnings' as check_name,
        count(*) as found_count,
        'checks of the loaded fills are not met: '
        || {{ first_few_joined('finding_text', '; ') }} as finding
    from unmet_checks
)

select * from final
