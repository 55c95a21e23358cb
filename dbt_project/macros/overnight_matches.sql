{#
    Pairs of fills of different days, from what each fill left over of its own day.
    The k-th remaining share bought meets the k-th remaining share sold, over the whole
    history of an account and symbol. The ends of both sides' intervals are laid on one
    line and sorted; each piece between two neighbouring ends belongs to the next end of
    either side at or after it. One sort, no range join, no recursion; a fill that
    crosses zero needs no splitting.
#}
{% macro overnight_matches(splits) -%}
    {%- set keys = 'account_id, symbol' -%}
    {%- set ends = 'share_end, fill_sequence' %}
    with

    remainders as (
        select
            account_id,
            symbol,
            trade_date,
            fill_sequence,
            is_buy,
            price,
            multiplier,
            sum(remaining_quantity) over (
                partition by account_id, symbol, is_buy
                order by fill_sequence
                rows between unbounded preceding and current row
            ) as share_end
        from {{ splits }}
        where remaining_quantity > 0
    ),

    pieces as (
        select
            account_id,
            symbol,
            multiplier,
            share_end - lag(share_end, 1, cast(0 as decimal(38, 8))) over (
                partition by account_id, symbol order by share_end, fill_sequence
            ) as quantity,
            {{ first_following('case when is_buy then fill_sequence end', keys, ends) }}
                as buy_sequence,
            {{ first_following('case when is_buy then trade_date end', keys, ends) }}
                as buy_date,
            {{ first_following('case when is_buy then price end', keys, ends) }}
                as buy_price,
            {{ first_following('case when not is_buy then fill_sequence end', keys, ends) }}
                as sell_sequence,
            {{ first_following('case when not is_buy then trade_date end', keys, ends) }}
                as sell_date,
            {{ first_following('case when not is_buy then price end', keys, ends) }}
                as sell_price
        from remainders
    )

    select
        ---------- keys
        account_id,
        symbol,
        buy_sequence,
        sell_sequence,
        ---------- numbers
        quantity,
        multiplier,
        buy_price,
        sell_price,
        -- Two products, not one of a difference: the same rounding as the day's sums.
        {{ exact_product('quantity', 'sell_price', 'multiplier') }}
        - {{ exact_product('quantity', 'buy_price', 'multiplier') }} as gross_pnl,
        ---------- dates
        buy_date,
        sell_date,
        least(buy_date, sell_date) as opened_date,
        greatest(buy_date, sell_date) as closed_date
    from pieces
    -- A side that is missing is still open; two ends at one place leave an empty piece.
    where quantity > 0 and buy_sequence is not null and sell_sequence is not null
{%- endmacro %}
