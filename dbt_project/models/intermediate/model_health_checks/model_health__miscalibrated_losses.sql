{# Grain: one row: outcomes that show the loss probability to be off. #}
with

miscalibrations as (
    select
        outcomes_count,
        predicted_percent,
        happened_percent
    from {{ ref('int_miscalibrations') }}
    where outcome_kind = 'loss'
),

final as (
    select
        'miscalibrated_losses' as check_name,
        coalesce(max(outcomes_count), 0) as found_count,
        'outcomes of the last {{ var("calibration_outcome_days") }} days: '
        || 'a loss was expected in '
        || max(predicted_percent) || ' % and came in '
        || max(happened_percent) || ' %' as finding
    from miscalibrations
)

select * from final
