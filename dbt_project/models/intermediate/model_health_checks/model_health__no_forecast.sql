{#
    Grain: one row: traders with enough history and no prediction. Where nobody is
    predicted the desk is too young for a model, and each forecast says so.
#}
with

traders as (
    select
        trader_id,
        forecast_basis
    from {{ ref('trader_status') }}
),

risk_calls_today as (
    select
        trader_id,
        predicted_pnl
    from {{ ref('int_risk_calls_today') }}
),

predicted_today as (
    select count(predicted_pnl) as predicted_count
    from risk_calls_today
),

missing_forecasts as (
    select
        traders.trader_id,
        row_number() over (order by traders.trader_id) as shown_order
    from traders
    cross join predicted_today
    left join risk_calls_today on traders.trader_id = risk_calls_today.trader_id
    where
        traders.forecast_basis in ('own_model', 'global_model')
        and risk_calls_today.predicted_pnl is null
        and (
            risk_calls_today.trader_id is null or predicted_today.predicted_count > 0
        )
),

final as (
    select
        'no_forecast' as check_name,
        count(*) as found_count,
        'traders have enough history and no prediction: '
        || {{ first_few_joined('trader_id') }} as finding
    from missing_forecasts
)

select * from final
