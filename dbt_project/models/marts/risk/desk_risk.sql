{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date and scope: the desk, each group, each strategy of
    that morning. Simulated where the desk was shown none; simulated ones have the value at
    risk and the shortfall alone.
#}
with

desk_risk as (
    select * from {{ ref('stg_ml__desk_risk') }}
),

told_dates as (
    select distinct prediction_date from desk_risk
    where not is_replayed
),

chosen as (
    select desk_risk.*
    from desk_risk
    left join told_dates on desk_risk.prediction_date = told_dates.prediction_date
    where not desk_risk.is_replayed or told_dates.prediction_date is null
),

final as (
    select
        ---------- keys
        prediction_date,
        scope_type,
        scope_name,
        ---------- text
        case
            when scenarios_count = 0 then 'too few sessions'
            when traders_count = 1 then 'one trader'
        end as unknown_reason,
        ---------- money
        value_at_risk_pnl,
        expected_shortfall_pnl,
        expected_shortfall_low,
        expected_shortfall_high,
        far_shortfall_pnl,
        far_shortfall_low,
        far_shortfall_high,
        ---------- numbers
        traders_count,
        scenarios_count,
        diversification_ratio,
        first_component_share,
        ---------- flags
        is_replayed
    from chosen
)

select * from final
