{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date, scope and trader of it: whose the tail is.
    Contributions add up to the scope's expected shortfall, to the cent.
#}
with

contributions as (
    select * from {{ ref('stg_ml__desk_risk_contributions') }}
),

desk_risk as (
    select
        prediction_date,
        scope_type,
        scope_name,
        value_at_risk_pnl,
        expected_shortfall_pnl
    from {{ ref('stg_ml__desk_risk') }}
    where not is_replayed
),

final as (
    select
        ---------- keys
        contributions.prediction_date,
        contributions.scope_type,
        contributions.scope_name,
        contributions.trader_id,
        ---------- money
        contributions.expected_shortfall_contribution,
        contributions.own_value_at_risk_pnl,
        contributions.own_expected_shortfall_pnl,
        contributions.value_at_risk_without_pnl,
        contributions.expected_shortfall_without_pnl,
        ---------- numbers
        {{ safe_divide(
            'contributions.expected_shortfall_contribution',
            'desk_risk.expected_shortfall_pnl',
        ) }} as contribution_share,
        contributions.traded_tail_share
    from contributions
    inner join desk_risk
        on
            contributions.prediction_date = desk_risk.prediction_date
            and contributions.scope_type = desk_risk.scope_type
            and contributions.scope_name = desk_risk.scope_name
)

select * from final
