{#
    Pieces of fills that FIFO pairs: within an account and symbol (and date, if per_day)
    the k-th unit bought meets the k-th unit sold.
    The ends of both sides' intervals are laid on one line and sorted; each piece between
    two neighbouring ends belongs to the next end of either side at or after it. One
    sort, no range join, no recursion; a fill that crosses zero needs no splitting.
    A side that is null has met nothing yet: the piece is still open.

    relation: one row per fill, with the units to pair in column `quantity`.
    share_end: a column with the running sum of `quantity` over the side's fills, where
    the relation has one; it spares a sort.
#}
{% macro fifo_lot_matches(relation, quantity, per_day=false, share_end=none) -%}
    {%- set keys = 'account_id, symbol' ~ (', trade_date' if per_day else '') -%}
    {%- set ends = 'share_end, fill_sequence' -%}
    {%- set running_sum -%}
        sum({{ quantity }}) over (
            partition by {{ keys }}, is_buy order by fill_sequence
            rows between unbounded preceding and current row
        )
    {%- endset -%}
    {%- set buy_date = 'trade_date' if per_day
        else first_following('case when is_buy then trade_date end', keys, ends) -%}
    {%- set sell_date = 'trade_date' if per_day
        else first_following('case when not is_buy then trade_date end', keys, ends) %}
    with

    units as (
        select
            account_id,
            symbol,
            trade_date,
            fill_sequence,
            is_buy,
            price,
            multiplier,
            {{ share_end or running_sum }} as share_end
        from {{ relation }}
        where {{ quantity }} > 0
    ),

    lot_matches as (
        select
            account_id,
            symbol,
            multiplier,
            cast(
                share_end - lag(share_end, 1, cast(0 as decimal(38, 8))) over (
                    partition by {{ keys }} order by share_end, fill_sequence
                ) as decimal(18, 8)
            ) as quantity,
            {{ first_following('case when is_buy then fill_sequence end', keys, ends) }}
                as buy_sequence,
            {{ buy_date }} as buy_date,
            {{ sell_date }} as sell_date,
            {{ first_following('case when is_buy then price end', keys, ends) }}
                as buy_price,
            {{ first_following('case when not is_buy then fill_sequence end', keys, ends) }}
                as sell_sequence,
            {{ first_following('case when not is_buy then price end', keys, ends) }}
                as sell_price
        from units
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
        sell_date
    from lot_matches
    -- Two ends at one place leave an empty piece.
    where quantity > 0
{%- endmacro %}
