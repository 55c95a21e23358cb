{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader: how the trader's forecasts of the desk's last sessions
    turned out.
#}
with

recent_sessions as (
    select prediction_date
    from {{ ref('desk_forecast_outcomes') }}
    order by prediction_date desc
    limit {{ var('forecast_score_sessions') }}
),

recent_forecasts as (
    select forecast_record.*
    from {{ ref('forecast_record') }} as forecast_record
    inner join recent_sessions
        on forecast_record.prediction_date = recent_sessions.prediction_date
),

final as (
    select
        trader_id,
        {{ forecast_score_columns() }}
    from recent_forecasts
    group by trader_id
)

select * from final
