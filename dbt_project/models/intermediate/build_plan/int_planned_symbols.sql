{#
    Grain: one row per account and book (int_symbol_books; mostly a symbol) whose positions
    this run builds anew, from first_date on: what a planned day changes lives on in open
    lots and trips.
    The symbols of a planned day are those of its fills now and those it was built from, and
    so are their books: before there was one a symbol was a book of its own.
    Which lots a corporate action converted in the last build nobody keeps: both its symbols
    are those of each planned day of its session.
#}
with

planned_days as (
    select
        account_id,
        trade_date
    from {{ ref('int_planned_account_days') }}
),

fill_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_fill_days') }}
),

previous_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_previous_fill_days') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol
    from {{ ref('int_fills_dated') }}
    union all
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol
    from {{ ref('int_booked_lots') }}
),

told_books as (
    {% for model in ['int_symbol_books', 'stg_ops__built_symbol_books'] -%}
        select
            account_id,
            symbol,
            valid_from,
            valid_to,
            book_symbol
        from {{ ref(model) }}
        {{ 'union' if not loop.last }}
    {% endfor -%}
),

books as (
    select * from told_books
    union
    select distinct
        account_id,
        symbol,
        {{ min_date() }} as valid_from,
        {{ max_date() }} as valid_to,
        symbol as book_symbol
    from told_books
),

planned_versions as (
    select
        planned_days.account_id,
        planned_days.trade_date,
        fill_days.calendar_date,
        fill_days.account_number,
        fill_days.content_hash
    from planned_days
    inner join fill_days
        on
            planned_days.account_id = fill_days.account_id
            and planned_days.trade_date = fill_days.trade_date
    union
    select
        planned_days.account_id,
        planned_days.trade_date,
        previous_days.calendar_date,
        previous_days.account_number,
        previous_days.content_hash
    from planned_days
    inner join previous_days
        on
            planned_days.account_id = previous_days.account_id
            and planned_days.trade_date = previous_days.trade_date
),

planned_fills as (
    select
        planned_versions.account_id,
        planned_versions.trade_date,
        fills.symbol
    from planned_versions
    inner join fills
        on
            planned_versions.account_number = fills.account_number
            and planned_versions.calendar_date = fills.calendar_date
            and planned_versions.trade_date = fills.trade_date
            and planned_versions.content_hash = fills.content_hash
    {% for symbol in ['symbol', 'new_symbol'] -%}
        union all
        select
            planned_days.account_id,
            planned_days.trade_date,
            corporate_actions.{{ symbol }}
        from planned_days
        inner join {{ ref('int_corporate_actions') }} as corporate_actions
            on planned_days.trade_date = corporate_actions.session_date
    {% endfor %}
),

final as (
    select
        planned_fills.account_id,
        coalesce(books.book_symbol, planned_fills.symbol) as book_symbol,
        min(planned_fills.trade_date) as first_date
    from planned_fills
    left join books
        on
            planned_fills.account_id = books.account_id
            and planned_fills.symbol = books.symbol
            and planned_fills.trade_date >= books.valid_from
            and planned_fills.trade_date < books.valid_to
    group by planned_fills.account_id, coalesce(books.book_symbol, planned_fills.symbol)
)

select * from final
