{# Grain: one row: features that have drifted this morning, the farthest named first. #}
with

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

drifted_features as (
    select
        prediction_date,
        feature_name,
        stability_index
    from {{ ref('feature_drift') }}
    where is_drifted
),

drifted_today as (
    select
        drifted_features.feature_name,
        row_number() over (
            order by
                max(drifted_features.stability_index) desc,
                drifted_features.feature_name asc
        ) as shown_order
    from drifted_features
    inner join run_context
        on drifted_features.prediction_date = run_context.prediction_date
    group by drifted_features.feature_name
),

final as (
    select
        'feature_drift' as check_name,
        count(*) as found_count,
        'features have moved away from what the models learned from: '
        || {{ first_few_joined('feature_name') }} as finding
    from drifted_today
)

select * from final
