{# Grain: one row per trader, prediction date and policy, of which the live ones are advised. #}
with

source as (
    select * from {{ source('ml', 'policy_advice') }}
),

final as (
    select
        ---------- keys
        trader_id,
        prediction_date,
        policy,
        ---------- numbers
        position_multiplier,
        ---------- flags
        is_live,
        is_trial
    from source
)

select * from final
