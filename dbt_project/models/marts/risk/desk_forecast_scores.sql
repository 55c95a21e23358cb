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

final as (
    select
        {{ forecast_score_columns() }}
    from {{ ref('forecast_record') }}
    where prediction_date in (select prediction_date from recent_sessions)
    having count(*) > 0
)

select * from final
