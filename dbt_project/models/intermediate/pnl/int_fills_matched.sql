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

fills_sided as (
    select
        *,
        case when is_regular and is_buy then quantity else 0 end as bought_quantity,
        case when is_regular and not is_buy then quantity else 0 end as sold_quantity
    from fills_counted
),

fills_numbered as (
    -- One order and one partition for all of them: DuckDB sorts once.
    select
        *,
        sum(bought_quantity) over day_so_far as bought_end,
        sum(sold_quantity) over day_so_far as sold_end,
        sum(bought_quantity) over whole_day as day_bought_quantity,
        sum(sold_quantity) over whole_day as day_sold_quantity,
        sum(signed_quantity) over day_so_far as day_quantity_after
    from fills_sided
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
        least(share_end, day_bought_quantity, day_sold_quantity) as matched_share_end
    from fills_placed
),

fills_split as (
    select
        *,
        cast(
            case
                when is_regular then greatest(matched_share_end - (share_end - quantity), 0)
                else 0
            end as decimal(18, 8)
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
