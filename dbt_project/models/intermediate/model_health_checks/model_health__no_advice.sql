{# Grain: one row: predicted traders without advice on size. #}
with

risk_calls_today as (
    select
        predicted_pnl,
        position_multiplier
    from {{ ref('int_risk_calls_today') }}
),

final as (
    select
        'no_advice' as check_name,
        count(*) as found_count,
        'traders are predicted and have no advice on size' as finding
    from risk_calls_today
    where predicted_pnl is not null and position_multiplier is null
)

select * from final
