{{ config(tags=['after_scoring']) }}
{# Grain: one row per policy and metric of the backtest. #}
with

source as (
    select * from {{ source('ml', 'backtest_policies') }}
),

final as (
    select
        policy,
        metric,
        metric_value,
        value_low,
        value_high,
        rows_count
    from source
)

select * from final
