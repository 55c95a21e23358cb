{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date: the desk's forecasts in one line.
    There is no sum of expected P&L: not everybody trades, and the sum of means is not
    what the desk makes. The worst case comes from whole past days of the desk (ml/desk.py), not from its
    traders' quantiles, which do not add up.
#}
with

risk_calls as (
    select
        prediction_date,
        limit_risk,
        risk_level
    from {{ ref('risk_calls') }}
),

desk_predictions as (
    select
        prediction_date,
        worst_case_pnl,
        median_pnl,
        best_case_pnl,
        one_in_hundred_pnl,
        one_in_hundred_low,
        one_in_hundred_high,
        scenarios_count
    from {{ ref('stg_ml__desk_predictions') }}
    where not is_replayed
),

outcomes as (
    select
        prediction_date,
        is_below_worst_case
    from {{ ref('desk_forecast_outcomes') }}
    where is_below_worst_case is not null
),

levels_counted as (
    select
        prediction_date,
        count(*) as traders_count,
        {% for level in ['High', 'Elevated', 'Normal'] -%}
            {{ count_where("limit_risk = '" ~ level ~ "'") }}
                as {{ level | lower }}_limit_risk_count,
        {% endfor -%}
        {% for level in ['High', 'Medium', 'Low'] -%}
            {{ count_where("risk_level = '" ~ level ~ "'") }} as {{ level | lower }}_count,
        {% endfor -%}
        {{ count_where("risk_level = 'Unknown'") }} as unknown_count
    from risk_calls
    group by prediction_date
),

sessions_before as (
    select
        levels_counted.prediction_date,
        outcomes.is_below_worst_case,
        row_number() over (
            partition by levels_counted.prediction_date
            order by outcomes.prediction_date desc
        ) as recency
    from levels_counted
    inner join outcomes
        on levels_counted.prediction_date > outcomes.prediction_date
),

records as (
    select
        prediction_date,
        count(*) as evaluated_sessions_count,
        cast(sum(case when is_below_worst_case then 1 else 0 end) as bigint)
            as breached_sessions_count
    from sessions_before
    where recency <= {{ var('desk_record_sessions') }}
    group by prediction_date
),

final as (
    select
        ---------- keys
        levels_counted.prediction_date,
        ---------- counts
        levels_counted.traders_count,
        levels_counted.high_limit_risk_count,
        levels_counted.elevated_limit_risk_count,
        levels_counted.normal_limit_risk_count,
        levels_counted.high_count,
        levels_counted.medium_count,
        levels_counted.low_count,
        levels_counted.unknown_count,
        ---------- money
        desk_predictions.worst_case_pnl,
        desk_predictions.median_pnl,
        desk_predictions.best_case_pnl,
        desk_predictions.one_in_hundred_pnl,
        desk_predictions.one_in_hundred_low,
        desk_predictions.one_in_hundred_high,
        ---------- what the worst case rests on
        desk_predictions.scenarios_count,
        coalesce(records.evaluated_sessions_count, 0) as evaluated_sessions_count,
        coalesce(records.breached_sessions_count, 0) as breached_sessions_count
    from levels_counted
    left join desk_predictions
        on levels_counted.prediction_date = desk_predictions.prediction_date
    left join records on levels_counted.prediction_date = records.prediction_date
)

select * from final
