{#
    Grain: one row per forecast of the last days whose trader traded: the outcomes that
    calibration is evaluated by.
#}
with

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

forecast_outcomes as (
    select
        trader_id,
        prediction_date,
        loss_probability,
        limit_loss_probability,
        is_loss,
        is_limit_breached,
        is_inside_interval
    from {{ ref('forecast_outcomes') }}
    where actual_net_pnl is not null
),

final as (
    select forecast_outcomes.*
    from forecast_outcomes
    cross join run_context
    where
        {{ dbt.datediff(
            'forecast_outcomes.prediction_date', 'run_context.as_of_date', 'day'
        ) }} <= {{ var('calibration_outcome_days') }}
)

select * from final
