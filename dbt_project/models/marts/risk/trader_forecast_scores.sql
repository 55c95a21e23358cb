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

final as (
    select
        trader_id,
        {{ forecast_score_columns() }}
    from {{ ref('forecast_record') }}
    where prediction_date in (select prediction_date from recent_sessions)
    group by trader_id
)

select * from final
