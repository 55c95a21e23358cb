{# Grain: one row: outcomes, if too few or too many lie inside the 90 % interval. #}
{% set lowest_coverage = 0.8 %}
{% set highest_coverage = 0.97 %}

with

recent_outcomes as (
    select is_inside_interval
    from {{ ref('int_recent_outcomes') }}
    where is_inside_interval is not null
),

interval_outcomes as (
    select
        count(*) as outcomes_count,
        avg(case when is_inside_interval then 1e0 else 0e0 end) as inside_ratio
    from recent_outcomes
),

final as (
    select
        'interval_coverage' as check_name,
        case
            when
                outcomes_count >= {{ var('calibration_minimum_outcomes') }}
                and (
                    inside_ratio < {{ lowest_coverage }}
                    or inside_ratio > {{ highest_coverage }}
                )
                then outcomes_count
            else 0
        end as found_count,
        'outcomes of the last {{ var("calibration_outcome_days") }} days: '
        || cast(round(100 * inside_ratio) as integer)
        || ' % lie inside the 90 % interval' as finding
    from interval_outcomes
)

select * from final
