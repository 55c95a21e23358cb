{#
    Grain: one row per account and conversion (int_conversions): the books of its old and new
    symbol, and in which round it is worked out. What an earlier one makes of the same books
    comes first; of one date the lines count in their order. Rounds are exact up to so many
    as there are steps, and an alarm beyond the last that int_converted_lots works out.
#}
{% set steps = 5 %}

with

conversions as (
    select
        account_id,
        line_number,
        symbol,
        new_symbol,
        action,
        effective_date,
        session_date,
        new_shares,
        old_shares,
        cash_per_share,
        cost_share
    from {{ ref('int_conversions') }}
),

books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from {{ ref('int_symbol_books') }}
),

conversions_in_books as (
    select
        conversions.*,
        coalesce(books.book_symbol, conversions.symbol) as book_symbol,
        coalesce(books.units_per_share, 1) as units_per_share,
        coalesce(new_books.book_symbol, conversions.new_symbol) as new_book_symbol,
        coalesce(new_books.units_per_share, 1) as new_units_per_share
    from conversions
    left join books
        on
            conversions.account_id = books.account_id
            and conversions.symbol = books.symbol
            and conversions.session_date >= books.valid_from
            and conversions.session_date < books.valid_to
    left join books as new_books
        on
            conversions.account_id = new_books.account_id
            and conversions.new_symbol = new_books.symbol
            and conversions.session_date >= new_books.valid_from
            and conversions.session_date < new_books.valid_to
),

predecessors as (
    select
        later.account_id,
        later.line_number,
        earlier.line_number as earlier_line_number
    from conversions_in_books as later
    inner join conversions_in_books as earlier
        on
            later.account_id = earlier.account_id
            and (
                later.book_symbol in (earlier.book_symbol, earlier.new_book_symbol)
                or later.new_book_symbol in (earlier.book_symbol, earlier.new_book_symbol)
            )
            and (
                later.session_date > earlier.session_date
                or (
                    later.session_date = earlier.session_date
                    and later.line_number > earlier.line_number
                )
            )
),

rounds_0 as (
    select
        account_id,
        line_number,
        1 as round_number
    from conversions_in_books
),

{% for step in range(1, steps + 1) %}
    rounds_{{ step }} as (
        select
            rounds_0.account_id,
            rounds_0.line_number,
            1 + coalesce(max(earlier_rounds.round_number), 0) as round_number
        from rounds_0
        left join predecessors
            on
                rounds_0.account_id = predecessors.account_id
                and rounds_0.line_number = predecessors.line_number
        left join rounds_{{ step - 1 }} as earlier_rounds
            on
                predecessors.account_id = earlier_rounds.account_id
                and predecessors.earlier_line_number = earlier_rounds.line_number
        group by rounds_0.account_id, rounds_0.line_number
    ),
{% endfor %}

final as (
    select
        conversions_in_books.*,
        cast(rounds_{{ steps }}.round_number as bigint) as round_number
    from conversions_in_books
    inner join rounds_{{ steps }}
        on
            conversions_in_books.account_id = rounds_{{ steps }}.account_id
            and conversions_in_books.line_number = rounds_{{ steps }}.line_number
)

select * from final
