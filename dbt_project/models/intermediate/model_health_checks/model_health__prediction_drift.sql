{#
    Grain: one row: percentage points by which the mean loss probability has moved, if
    they are too many.
#}
{% set recent_mornings_count = 20 %}
{% set earlier_mornings_count = 60 %}

with

risk_calls as (
    select
        prediction_date,
        loss_probability
    from {{ ref('risk_calls') }}
    where loss_probability is not null
),

mornings as (
    select
        prediction_date,
        sum(loss_probability) as probability_sum,
        count(*) as forecasts_count,
        row_number() over (order by prediction_date desc) as recency
    from risk_calls
    group by prediction_date
),

morning_means as (
    select
        sum(case when recency <= {{ recent_mornings_count }} then probability_sum end)
        / sum(case when recency <= {{ recent_mornings_count }} then forecasts_count end)
            as recent_probability,
        sum(case when recency > {{ recent_mornings_count }} then probability_sum end)
        / sum(case when recency > {{ recent_mornings_count }} then forecasts_count end)
            as earlier_probability,
        count(*) as mornings_count
    from mornings
    where recency <= {{ recent_mornings_count + earlier_mornings_count }}
),

final as (
    select
        'prediction_drift' as check_name,
        case
            when
                mornings_count = {{ recent_mornings_count + earlier_mornings_count }}
                and abs(recent_probability - earlier_probability)
                > {{ var('drifted_above_probability') }}
                then cast(
                    round(100 * abs(recent_probability - earlier_probability)) as bigint
                )
            else 0
        end as found_count,
        'percentage points lie between the mean loss probability of the last'
        || ' {{ recent_mornings_count }} mornings ('
        || cast(round(100 * recent_probability) as integer)
        || ' %) and that of the {{ earlier_mornings_count }} before ('
        || cast(round(100 * earlier_probability) as integer) || ' %)' as finding
    from morning_means
)

select * from final
