{{ config(tags=['after_scoring']) }}
{# Grain: one row per prediction date: the desk's calls in one line. #}
with

risk_calls as (
    select
        prediction_date,
        risk_level,
        predicted_pnl
    from {{ ref('risk_calls') }}
),

final as (
    select
        prediction_date,
        count(*) as traders_count,
        cast(sum(case when risk_level = 'High' then 1 else 0 end) as bigint) as high_count,
        cast(sum(case when risk_level = 'Medium' then 1 else 0 end) as bigint)
            as medium_count,
        cast(sum(case when risk_level = 'Low' then 1 else 0 end) as bigint) as low_count,
        cast(sum(case when risk_level = 'Unknown' then 1 else 0 end) as bigint)
            as unknown_count,
        cast(sum(predicted_pnl) as decimal(38, 8)) as predicted_pnl
    from risk_calls
    group by prediction_date
)

select * from final
