{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per session that is over and that somebody had a forecast for: the
    forecast of the whole desk, and what it made. Replayed where the desk made none yet.
#}
with

forecast_record as (
    select
        prediction_date,
        is_replayed,
        actual_net_pnl,
        advised_size_effect
    from {{ ref('forecast_record') }}
),

desk_predictions as (
    select * from {{ ref('stg_ml__desk_predictions') }}
),

desk_days as (
    select
        prediction_date,
        is_replayed,
        count(*) as traded_count,
        sum(actual_net_pnl) as actual_net_pnl,
        sum(advised_size_effect) as advised_size_effect
    from forecast_record
    group by prediction_date, is_replayed
),

final as (
    select
        ---------- keys
        desk_days.prediction_date,
        ---------- the forecast
        desk_days.is_replayed,
        desk_predictions.traders_count,
        desk_predictions.worst_case_pnl,
        desk_predictions.median_pnl,
        desk_predictions.best_case_pnl,
        ---------- what happened
        desk_days.traded_count,
        cast(desk_days.actual_net_pnl as decimal(38, 8)) as actual_net_pnl,
        desk_days.actual_net_pnl < desk_predictions.worst_case_pnl as is_below_worst_case,
        cast(desk_days.advised_size_effect as decimal(38, 8)) as advised_size_effect
    from desk_days
    left join desk_predictions
        on
            desk_days.prediction_date = desk_predictions.prediction_date
            and desk_days.is_replayed = desk_predictions.is_replayed
)

select * from final
