{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader and prediction date: every trader who was not inactive
    that morning, also where nothing could be predicted (Unknown).
    Thresholds and multipliers are vars in dbt_project.yml.
#}
with

roster as (
    select
        trader_id,
        prediction_date,
        model,
        call_basis,
        traded_days_count
    from {{ ref('stg_ml__roster') }}
),

predictions as (
    select * from {{ ref('stg_ml__predictions') }}
),

calls as (
    select
        roster.trader_id,
        roster.prediction_date,
        roster.call_basis,
        roster.traded_days_count,
        predictions.model,
        predictions.model_version,
        predictions.predicted_pnl,
        predictions.predicted_pnl_p05,
        predictions.predicted_pnl_p25,
        predictions.predicted_pnl_p50,
        predictions.predicted_pnl_p75,
        predictions.predicted_pnl_p95,
        predictions.loss_probability,
        predictions.reasons,
        predictions.features_date,
        predictions.scored_at
    from roster
    left join predictions
        on
            roster.trader_id = predictions.trader_id
            and roster.prediction_date = predictions.prediction_date
            and roster.model = predictions.model
),

calls_levelled as (
    select
        *,
        case
            when predicted_pnl is null then 'Unknown'
            when predicted_pnl < {{ var('high_risk_below_pnl') }} then 'High'
            when predicted_pnl < {{ var('medium_risk_below_pnl') }} then 'Medium'
            else 'Low'
        end as risk_level
    from calls
),

calls_sized as (
    select
        *,
        case risk_level
            when 'High' then cast({{ var('high_risk_position_multiplier') }} as double)
            when 'Medium' then cast({{ var('medium_risk_position_multiplier') }} as double)
            when 'Low' then cast({{ var('low_risk_position_multiplier') }} as double)
        end as position_multiplier
    from calls_levelled
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        ---------- the call
        risk_level,
        case
            when call_basis = 'too_little_history'
                then
                    'No prediction from ' || traded_days_count || ' of '
                    || {{ var('prediction_minimum_traded_days') }}
                    || ' traded days: keep the limits of a new trader'
            when risk_level = 'Unknown'
                then 'No prediction: the desk has too little history for a model'
            when position_multiplier = 0 then 'Do not trade'
            when position_multiplier < 1
                then
                    'Trade at most ' || cast(round(100 * position_multiplier) as integer)
                    || ' % of the usual size'
            else 'Usual size'
        end as recommendation,
        position_multiplier,
        call_basis = 'global_model' as is_newcomer,
        ---------- the prediction behind it
        predicted_pnl,
        predicted_pnl_p05,
        predicted_pnl_p25,
        predicted_pnl_p50,
        predicted_pnl_p75,
        predicted_pnl_p95,
        loss_probability,
        reasons,
        model,
        model_version,
        traded_days_count,
        features_date,
        scored_at
    from calls_sized
)

select * from final
