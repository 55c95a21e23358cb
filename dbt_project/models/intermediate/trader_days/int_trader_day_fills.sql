{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per trader and traded day.
    How large the day's regular fills were. Sums run over decimals, so that two builds of
    the same fills agree to the last bit. notional is null where one of them is unknown, for
    want of an exchange rate.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'trader_days') }}
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- money
        sum(case when is_buy then notional else 0 end) as bought_notional,
        {{ sum_if_known('notional') }} as notional,
        {{ population_stddev('notional') }} as stddev_fill_notional
    from fills
    where is_counted and is_regular
    group by trader_id, trade_date
)

select * from final
