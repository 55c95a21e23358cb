{# Grain: one row: days traded since the last that today's models have learned from. #}
with

traded_dates as (
    select distinct trade_date
    from {{ ref('int_trader_days') }}
    where is_traded_day
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

learned as (
    select max(trained_through) as trained_through
    from {{ ref('int_predictions_today') }}
),

final as (
    select
        'stale_models' as check_name,
        case
            when count(*) > {{ var('model_stale_after_sessions') }} then count(*) else 0
        end as found_count,
        'days were traded since the last that the models have learned from' as finding
    from traded_dates
    cross join run_context
    cross join learned
    where
        traded_dates.trade_date > learned.trained_through
        and traded_dates.trade_date < run_context.prediction_date
)

select * from final
