{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, date and route of its counted fills.
    Sums are of what is known: gross and fees count where both are.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'trader_days') }}
),

fill_results as (
    select
        account_id,
        trade_date,
        fill_sequence,
        realized_gross_pnl
    from {{ ref('int_fill_results') }}
    where trade_date >= {{ first_built_date() }}
),

final as (
    select
        ---------- keys
        fills.account_id,
        max(fills.trader_id) as trader_id,
        fills.trade_date,
        coalesce(fills.route, 'unknown') as route,
        ---------- money
        cast(
            sum(case when fills.total_fees is not null then fill_results.realized_gross_pnl end)
            as decimal(38, 8)
        ) as gross_pnl,
        cast(
            sum(case when fill_results.realized_gross_pnl is not null then fills.total_fees end)
            as decimal(38, 8)
        ) as total_fees,
        ---------- flags
        count(*) > count(fill_results.realized_gross_pnl + fills.total_fees) as is_incomplete
    from fills
    inner join fill_results
        on
            fills.account_id = fill_results.account_id
            and fills.trade_date = fill_results.trade_date
            and fills.fill_sequence = fill_results.fill_sequence
    where fills.is_counted
    group by fills.account_id, fills.trade_date, coalesce(fills.route, 'unknown')
)

select * from final
