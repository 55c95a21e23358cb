{#
    Grain: one row per account, symbol and span of dates (valid_from to valid_to, which is
    no part of it) between corporate actions that concern the account.
    A share of the span is units_per_share units of book_symbol: these no split and no new
    name changes, so that lots of before meet fills of after. A 4:1 split makes an old
    share four units of which a new one is one, a 1:4 split the reverse. An expiry ends its
    book. A symbol that another one is renamed to begins a book on that date. Actions by
    which lots are converted one by one (int_conversions) end none.
    Symbols without a line are books of their own, of one unit a share, and not in here.
    Spans are chained by doubling the reach of each step: so many actions of one share as
    two to the power of the steps.
#}
{% set steps = 5 %}

with

spans as (
    select * from {{ ref('int_symbol_spans') }}
),

reach_0 as (
    select
        account_id,
        symbol,
        valid_from,
        coalesce(next_symbol, symbol) as last_symbol,
        case when next_symbol is null then valid_from else effective_date end
            as last_valid_from,
        cast(case when next_symbol is null then 1 else new_shares end as double)
            as new_shares,
        cast(case when next_symbol is null then 1 else old_shares end as double)
            as old_shares
    from spans
),

{% for step in range(1, steps + 1) %}
    reach_{{ step }} as (
        select
            nearer.account_id,
            nearer.symbol,
            nearer.valid_from,
            farther.last_symbol,
            farther.last_valid_from,
            nearer.new_shares * farther.new_shares as new_shares,
            nearer.old_shares * farther.old_shares as old_shares
        from reach_{{ step - 1 }} as nearer
        inner join reach_{{ step - 1 }} as farther
            on
                nearer.account_id = farther.account_id
                and nearer.last_symbol = farther.symbol
                and nearer.last_valid_from = farther.valid_from
    ),
{% endfor %}

books as (
    select
        reach.account_id,
        reach.symbol,
        reach.valid_from,
        spans.valid_to,
        reach.new_shares,
        reach.old_shares,
        case
            when last_spans.valid_to = {{ max_date() }} then last_spans.symbol
            else concat(last_spans.symbol, '@', cast(last_spans.effective_date as string))
        end as book_symbol,
        last_spans.closing_price,
        case when last_spans.closing_price is not null then last_spans.effective_date end
            as closing_date
    from reach_{{ steps }} as reach
    inner join spans
        on
            reach.account_id = spans.account_id
            and reach.symbol = spans.symbol
            and reach.valid_from = spans.valid_from
    inner join spans as last_spans
        on
            reach.account_id = last_spans.account_id
            and reach.last_symbol = last_spans.symbol
            and reach.last_valid_from = last_spans.valid_from
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        ---------- numbers
        cast(
            new_shares * max(old_shares) over (partition by account_id, book_symbol)
            / old_shares as decimal(18, 0)
        ) as units_per_share,
        ---------- what ends the book
        closing_date,
        closing_price
    from books
)

select * from final
