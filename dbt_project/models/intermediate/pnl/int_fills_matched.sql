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
    What stopping after a fill would have done is the sum of the later fills' steps: what the
    trader still did to a position that day is done at once at the next own price instead.
    No more is bought or sold than was, so what is held overnight is as it was; journal
    entries come whatever a trader does.
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

{{ fills_matched_within('fills_counted', also=[
    'row_number() over day_so_far as symbol_day_sequence',
    ignoring_nulls('last_value', 'nullif(price, 0)') ~ ' over day_before as price_before',
    ignoring_nulls('first_value', 'case when is_regular then price end')
    ~ ' over day_ahead as next_price',
    'sum(case when is_regular then total_fees end) over day_so_far as fees_so_far',
    'sum(case when is_regular then total_fees end) over whole_day as day_fees',
]) }},

fills_ahead as (
    -- What the trader still does that day, journal entries apart.
    select
        *,
        coalesce(next_price, price) as ahead_price,
        cast(day_bought_quantity - bought_end - day_sold_quantity + sold_end as decimal(18, 8))
            as ahead_signed_quantity,
        cast(day_bought_quantity - bought_end + day_sold_quantity - sold_end as double)
            as ahead_quantity,
        cast(day_fees - fees_so_far as double) as ahead_fees
    from fills_split
),

steps as (
    -- By how much it matters whether the trader stops before a fill or after it: what is
    -- still to be done moves from one own price to the next. Its fee is the mean one of
    -- the units that it replaces. So many digits that no engine rounds a sum of them.
    select
        *,
        case
            when not is_regular then 0
            else
                cast({{ in_base(
                    exact_product('ahead_signed_quantity', '(ahead_price - price)', 'multiplier'),
                    'exchange_rate',
                ) }} as decimal(24, 8))
                + total_fees
                + cast({{ to_amount(
                    'abs(cast(ahead_signed_quantity as double)) * ahead_fees'
                    ~ ' / greatest(ahead_quantity, 1e-8)'
                    ~ ' - abs(cast(ahead_signed_quantity + signed_quantity as double))'
                    ~ ' * (ahead_fees + cast(total_fees as double))'
                    ~ ' / greatest(ahead_quantity + cast(quantity as double), 1e-8)'
                ) }} as decimal(24, 8))
        end as stop_step,
        case
            when not is_regular then 0
            else
                cast({{ in_base(
                    exact_product(
                        'abs(ahead_signed_quantity + signed_quantity)', 'price', 'multiplier'
                    ),
                    'exchange_rate',
                ) }} as decimal(24, 8))
                - cast({{ in_base(
                    exact_product('abs(ahead_signed_quantity)', 'ahead_price', 'multiplier'),
                    'exchange_rate',
                ) }} as decimal(24, 8))
        end as replaced_step
    from fills_ahead
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
        cast(symbol_day_sequence as bigint) as symbol_day_sequence,
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
        price_before,
        multiplier,
        ---------- money
        total_fees,
        ---------- how much it matters to stop before a fill or after it
        cast(stop_step as decimal(24, 8)) as stop_step,
        cast(replaced_step as decimal(24, 8)) as replaced_step,
        ---------- flags
        is_buy,
        is_regular,
        has_fill_time,
        ---------- times
        filled_at_et
    from steps
)

select * from final
