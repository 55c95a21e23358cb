{# Grain: one row per trader considered and prediction date: which model may forecast. #}
with

source as (
    select * from {{ source('ml', 'roster') }}
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        ---------- text
        model,
        forecast_basis,
        ---------- numbers
        traded_days_count
    from source
)

select * from final
