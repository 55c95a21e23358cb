{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader, prediction date and policy: the size it advises.
    Exactly one policy is live for a trader on a date.
#}
with

source as (
    select * from {{ source('ml', 'policy_advice') }}
),

final as (
    select
        trader_id,
        prediction_date,
        policy,
        position_multiplier,
        is_live,
        is_trial,
        trial
    from source
)

select * from final
