{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per counted fill: how much of it the same day's other side matched.
    First FIFO level: of B shares bought and S sold in a symbol today, the first
    min(B, S) of each are matched, whatever is held overnight. Journal entries (splits,
    expiries, assignments) are no trading of the day: they meet what is held, in time.
    What was posted for a corporate action of the desk's lines moves nothing again.
#}
with

fills as (
    {{ planned_rows(ref('int_fills_current'), 'account_days') }}
),

fills_counted as (
    select
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        book_symbol,
        currency,
        exchange_rate,
        units_per_share,
        case when is_corporate_action then 0 else quantity end as quantity,
        case when is_corporate_action then 0 else signed_quantity end as signed_quantity,
        price,
        multiplier,
        total_fees,
        is_buy,
        is_regular,
        has_fill_time,
        filled_at_et
    from fills
    where is_counted
),

{{ fills_matched_within('fills_counted') }},

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        book_symbol,
        ---------- text
        currency,
        ---------- numbers
        exchange_rate,
        units_per_share,
        quantity,
        matched_quantity,
        quantity - matched_quantity as remaining_quantity,
        matched_share_end,
        day_quantity_after,
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
