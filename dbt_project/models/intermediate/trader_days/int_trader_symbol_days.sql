{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{# Grain: one row per trader, symbol and date with a regular fill. #}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'trader_days') }}
),

final as (
    select
        ---------- keys
        trader_id,
        symbol,
        trade_date,
        ---------- money
        sum(notional) as notional
    from fills
    where is_counted and is_regular
    group by trader_id, symbol, trade_date
)

select * from final
