{#
    Pieces of fills that FIFO pairs: within an account and symbol and date if per_day, else
    within an account and book (int_symbol_books), the k-th unit bought meets the k-th sold.
    The ends of both sides' intervals are laid on one line and sorted; each piece between
    two neighboring ends belongs to the next end of either side at or after it. One
    sort, no range join, no recursion; a fill that crosses zero needs no splitting.
    A side that is null has met nothing yet: the piece is still open. What ends a book
    (an expiry) closes what is open, at its price, without a fill.

    relation: one row per fill, with the units to pair in column `quantity`.
    share_end: a column with the running sum of `quantity` over the side's fills, where
    the relation has one; it spares a sort.
#}
{% macro fifo_lot_matches(relation, quantity, per_day=false, share_end=none) -%}
    {%- set book = 'symbol' if per_day else 'book_symbol' -%}
    {%- set keys = 'account_id, ' ~ book ~ (', trade_date' if per_day else '') -%}
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
            {{ book }},
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
            {{ book }},
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
    ),

    {% if per_day -%}
        lot_matches_priced as (
            select * from lot_matches
        )
    {%- else -%}
        lot_matches_ended as (
            select
                lot_matches.account_id,
                lot_matches.book_symbol,
                lot_matches.multiplier,
                lot_matches.quantity,
                lot_matches.buy_sequence,
                lot_matches.sell_sequence,
                coalesce(lot_matches.buy_date, endings.closing_date) as buy_date,
                coalesce(lot_matches.sell_date, endings.closing_date) as sell_date,
                coalesce(lot_matches.buy_price, endings.closing_price) as buy_price,
                coalesce(lot_matches.sell_price, endings.closing_price) as sell_price
            from lot_matches
            left join {{ ref('int_symbol_books') }} as endings
                on
                    lot_matches.account_id = endings.account_id
                    and lot_matches.book_symbol = endings.book_symbol
                    and endings.closing_date >= endings.valid_from
                    and endings.closing_date < endings.valid_to
        ),

        lot_matches_priced as (
            select
                lot_matches_ended.*,
                coalesce(buy_books.units_per_share, 1) as buy_units,
                coalesce(sell_books.units_per_share, 1) as sell_units
            from lot_matches_ended
            left join {{ ref('int_symbol_books') }} as buy_books
                on
                    lot_matches_ended.account_id = buy_books.account_id
                    and lot_matches_ended.book_symbol = buy_books.book_symbol
                    and lot_matches_ended.buy_date >= buy_books.valid_from
                    and lot_matches_ended.buy_date < buy_books.valid_to
            left join {{ ref('int_symbol_books') }} as sell_books
                on
                    lot_matches_ended.account_id = sell_books.account_id
                    and lot_matches_ended.book_symbol = sell_books.book_symbol
                    and lot_matches_ended.sell_date >= sell_books.valid_from
                    and lot_matches_ended.sell_date < sell_books.valid_to
        )
    {%- endif %}

    select
        ---------- keys
        account_id,
        {{ book }},
        buy_sequence,
        sell_sequence,
        ---------- numbers
        quantity,
        multiplier,
        buy_price,
        sell_price,
        {% if per_day -%}
            -- Two products, not one of a difference: the same rounding as the day's sums.
            {{ exact_product('quantity', 'sell_price', 'multiplier') }}
            - {{ exact_product('quantity', 'buy_price', 'multiplier') }} as gross_pnl,
        {%- else -%}
            buy_units,
            sell_units,
            case
                when buy_units = 1 and sell_units = 1
                    then
                        {{ exact_product('quantity', 'sell_price', 'multiplier') }}
                        - {{ exact_product('quantity', 'buy_price', 'multiplier') }}
                else {{ in_shares(
                    exact_product('quantity', 'sell_price', 'multiplier') ~ ' * buy_units - '
                    ~ exact_product('quantity', 'buy_price', 'multiplier') ~ ' * sell_units',
                    'buy_units * sell_units',
                ) }}
            end as gross_pnl,
        {%- endif %}
        ---------- dates
        buy_date,
        sell_date
    from lot_matches_priced
    -- Two ends at one place leave an empty piece.
    where quantity > 0
{%- endmacro %}
