{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per counted fill: how much of it the same day's other side matched.
    First FIFO level: of B shares bought and S sold in a symbol today, the first
    min(B, S) of each are matched, whatever is held overnight.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'account_days') }}
),

fills_numbered as (
    -- One order and one partition for all four: DuckDB sorts once.
    select
        *,
        sum(case when is_buy then quantity else 0 end) over day_so_far as bought_end,
        sum(case when is_buy then 0 else quantity end) over day_so_far as sold_end,
        sum(case when is_buy then quantity else 0 end) over whole_day as bought_quantity,
        sum(case when is_buy then 0 else quantity end) over whole_day as sold_quantity
    from fills
    where is_counted
    window
        day_so_far as (
            partition by account_id, symbol, trade_date order by fill_sequence
            rows between unbounded preceding and current row
        ),
        whole_day as (
            partition by account_id, symbol, trade_date order by fill_sequence
            rows between unbounded preceding and unbounded following
        )
),

fills_placed as (
    select
        *,
        case when is_buy then bought_end else sold_end end as share_end
    from fills_numbered
),

fills_matched as (
    select
        *,
        least(share_end, bought_quantity, sold_quantity) as matched_share_end
    from fills_placed
),

fills_split as (
    select
        *,
        cast(
            greatest(matched_share_end - (share_end - quantity), 0) as decimal(18, 8)
        ) as matched_quantity
    from fills_matched
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        ---------- numbers
        quantity,
        matched_quantity,
        quantity - matched_quantity as remaining_quantity,
        matched_share_end,
        bought_end - sold_end as day_quantity_after,
        price,
        multiplier,
        ---------- money
        total_fees,
        ---------- flags
        is_buy,
        is_regular,
        has_fill_time,
        ---------- times
        filled_at_et
    from fills_split
)

select * from final
