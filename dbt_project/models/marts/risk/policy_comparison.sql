{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per morning, pair of policies, unit and metric: by how much the first
    policy of the trial was better than the other so far.
#}
with

policy_comparison as (
    select * from {{ ref('stg_ml__policy_comparison') }}
),

final as (
    select
        as_of_date,
        policy,
        other_policy,
        unit,
        metric,
        metric_value,
        value_low,
        value_high,
        policy_rows_count,
        other_rows_count
    from policy_comparison
)

select * from final
