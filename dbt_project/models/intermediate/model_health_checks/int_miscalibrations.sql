{#
    Grain: one row per kind of outcome (loss, limit_loss) whose predicted probability
    differs from how often it came by more than chance; none where nothing is wrong.
#}
{% set standard_errors = 2 %}

with

recent_outcomes as (
    select
        prediction_date,
        loss_probability,
        limit_loss_probability,
        is_loss,
        is_limit_breached
    from {{ ref('int_recent_outcomes') }}
),

predicted_outcomes as (
    select
        'loss' as outcome_kind,
        prediction_date,
        loss_probability as probability,
        is_loss as has_happened
    from recent_outcomes
    union all
    select
        'limit_loss' as outcome_kind,
        prediction_date,
        limit_loss_probability as probability,
        is_limit_breached as has_happened
    from recent_outcomes
),

outcome_days as (
    select
        outcome_kind,
        prediction_date,
        count(*) as outcomes_count,
        sum(probability) as predicted_count,
        sum(case when has_happened then 1 else 0 end) as happened_count
    from predicted_outcomes
    where probability is not null
    group by outcome_kind, prediction_date
),

-- Traders lose together on the same days, so what may be chance is evaluated by the errors
-- of whole days.
calibrations as (
    select
        outcome_kind,
        sum(outcomes_count) as outcomes_count,
        sum(predicted_count) / sum(outcomes_count) as predicted_ratio,
        cast(sum(happened_count) as double) / sum(outcomes_count) as happened_ratio,
        abs(sum(happened_count - predicted_count)) as error_count,
        sqrt(
            sum((happened_count - predicted_count) * (happened_count - predicted_count))
        ) as error_by_chance
    from outcome_days
    group by outcome_kind
),

final as (
    select
        outcome_kind,
        outcomes_count,
        cast(round(100 * predicted_ratio) as integer) as predicted_percent,
        cast(round(100 * happened_ratio) as integer) as happened_percent
    from calibrations
    where
        outcomes_count >= {{ var('calibration_minimum_outcomes') }}
        and error_count > {{ standard_errors }} * error_by_chance
)

select * from final
