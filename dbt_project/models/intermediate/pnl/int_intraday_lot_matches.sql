{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per pair of fills of one day that FIFO matches.
    What int_fills_matched says of each fill, as pairs: which fill met which.
#}
with

matches as (
    {{ planned_rows(ref('int_fills_matched'), 'account_days') }}
),

lot_matches as (
    {{ fifo_lot_matches(
        'matches',
        'matched_quantity',
        per_day=true,
        share_end='matched_share_end',
    ) }}
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        sell_date as trade_date,
        buy_sequence,
        sell_sequence,
        ---------- numbers
        quantity,
        multiplier,
        buy_price,
        sell_price,
        ---------- money
        gross_pnl
    from lot_matches
)

select * from final
