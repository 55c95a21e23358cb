{{ config(tags=['after_scoring']) }}
{#
    Grain: one row: how all forecasts of the desk's last sessions turned out. No row
    before the first of them is over.
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
        {{ forecast_score_columns() }}
    from recent_forecasts
    having count(*) > 0
)

select * from final
