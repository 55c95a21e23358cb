{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date, scope and trader.
    Written by `python -m daily score`.
#}
with

source as (
    select * from {{ source('ml', 'desk_risk_contributions') }}
),

final as (
    select
        ---------- keys
        prediction_date,
        scope_type,
        scope_name,
        trader_id,
        ---------- money
        expected_shortfall_contribution,
        own_value_at_risk_pnl,
        own_expected_shortfall_pnl,
        value_at_risk_without_pnl,
        expected_shortfall_without_pnl,
        ---------- numbers
        traded_tail_share
    from source
)

select * from final
