{# Grain: one row: kinds of check of this morning's load that are not met. #}
with

gate_results as (
    select
        as_of_date,
        check_name,
        severity,
        is_met,
        finding
    from {{ ref('gate_results') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

unmet_checks as (
    select
        -- One batch stands for all of them.
        max(gate_results.finding) || ' [' || gate_results.check_name || case
            when count(*) > 1 then ', the like in ' || (count(*) - 1) || ' more'
            else ''
        end || ']' as finding_text,
        row_number() over (
            order by min(gate_results.severity), gate_results.check_name
        ) as shown_order
    from gate_results
    inner join run_context on gate_results.as_of_date = run_context.as_of_date
    where not gate_results.is_met
    group by gate_results.check_name
),

final as (
    select
        'gate_warnings' as check_name,
        count(*) as found_count,
        'checks of the newly loaded fills are not met: '
        || {{ first_few_joined('finding_text', '; ') }} as finding
    from unmet_checks
)

select * from final
