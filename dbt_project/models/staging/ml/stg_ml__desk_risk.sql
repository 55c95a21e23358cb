{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date, scope, and whether it is replayed.
    Written by `python -m daily score`.
#}
with

source as (
    select * from {{ source('ml', 'desk_risk') }}
),

final as (
    select
        ---------- keys
        prediction_date,
        is_replayed,
        scope_type,
        scope_name,
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
        first_component_share
    from source
)

select * from final
