{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date: the desk's calls in one line.
    The worst case comes from whole past days of the desk (ml/desk.py), not from its
    traders' quantiles, which do not add up.
#}
with

risk_calls as (
    select
        prediction_date,
        risk_level,
        predicted_pnl
    from {{ ref('risk_calls') }}
),

desk_predictions as (
    select
        prediction_date,
        worst_case_pnl,
        median_pnl,
        best_case_pnl,
        scenarios_count
    from {{ ref('stg_ml__desk_predictions') }}
    where not is_replayed
),

desk_record as (
    select
        prediction_date,
        is_below_worst_case
    from {{ ref('desk_record') }}
    where is_below_worst_case is not null
),

calls_counted as (
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
),

sessions_before as (
    select
        calls_counted.prediction_date,
        desk_record.is_below_worst_case,
        row_number() over (
            partition by calls_counted.prediction_date
            order by desk_record.prediction_date desc
        ) as recency
    from calls_counted
    inner join desk_record
        on calls_counted.prediction_date > desk_record.prediction_date
),

records as (
    select
        prediction_date,
        count(*) as judged_sessions_count,
        cast(sum(case when is_below_worst_case then 1 else 0 end) as bigint)
            as breached_sessions_count
    from sessions_before
    where recency <= {{ var('desk_record_sessions') }}
    group by prediction_date
),

final as (
    select
        ---------- keys
        calls_counted.prediction_date,
        ---------- counts
        calls_counted.traders_count,
        calls_counted.high_count,
        calls_counted.medium_count,
        calls_counted.low_count,
        calls_counted.unknown_count,
        ---------- money
        calls_counted.predicted_pnl,
        desk_predictions.worst_case_pnl,
        desk_predictions.median_pnl,
        desk_predictions.best_case_pnl,
        ---------- what the worst case rests on
        desk_predictions.scenarios_count,
        coalesce(records.judged_sessions_count, 0) as judged_sessions_count,
        coalesce(records.breached_sessions_count, 0) as breached_sessions_count
    from calls_counted
    left join desk_predictions
        on calls_counted.prediction_date = desk_predictions.prediction_date
    left join records on calls_counted.prediction_date = records.prediction_date
)

select * from final
