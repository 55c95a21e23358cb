{#
    Grain: one row per fill or opening lot of a book that a conversion concerns, but for what
    its own day matched, and what was posted for a corporate action: what lots are made of
    by then. Worked out here for these books alone, because what is converted is a part of
    the plan, and the models of fills follow it.
#}
with

conversions as (
    select * from {{ ref('int_conversion_books') }}
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

concerned_books as (
    select
        account_id,
        book_symbol
    from conversions
    union
    select
        account_id,
        new_book_symbol as book_symbol
    from conversions
),

concerned_symbols as (
    select
        account_id,
        book_symbol as symbol
    from concerned_books
    union
    select
        books.account_id,
        books.symbol
    from books
    inner join concerned_books
        on
            books.account_id = concerned_books.account_id
            and books.book_symbol = concerned_books.book_symbol
),

document_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_document_days') }}
),

instruments as (
    select symbol from {{ ref('int_instruments') }}
    where multiplier is not null
),

posted_actions as (
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from {{ ref('int_posted_actions') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        row_number,
        symbol,
        currency,
        is_buy,
        is_regular,
        quantity,
        price,
        filled_at_et,
        fill_id,
        propreports_id
    from {{ ref('int_fills_dated') }}
    where
        not is_cancelled
        and symbol in (select concerned_symbols.symbol from concerned_symbols)
),

opening_lots as (
    select
        account_id,
        account_number,
        trade_date,
        opened_date,
        row_number,
        symbol,
        signed_quantity,
        price
    from {{ ref('int_opening_lots') }}
    where symbol in (select concerned_symbols.symbol from concerned_symbols)
),

all_rows as (
    select
        document_days.account_id,
        fills.account_number,
        fills.symbol,
        fills.trade_date,
        fills.trade_date as opened_date,
        fills.row_number,
        fills.currency,
        fills.is_buy,
        fills.is_regular,
        fills.quantity,
        fills.price,
        fills.filled_at_et,
        try_cast(fills.fill_id as bigint) as fill_number,
        fills.fill_id,
        try_cast(fills.propreports_id as bigint) as propreports_number,
        fills.propreports_id
    from fills
    inner join document_days
        on
            fills.account_number = document_days.account_number
            and fills.calendar_date = document_days.calendar_date
            and fills.trade_date = document_days.trade_date
            and fills.content_hash = document_days.content_hash
    left join posted_actions
        on
            fills.account_number = posted_actions.account_number
            and fills.calendar_date = posted_actions.calendar_date
            and fills.content_hash = posted_actions.content_hash
            and fills.row_number = posted_actions.row_number
    where posted_actions.row_number is null
    union all
    select
        account_id,
        account_number,
        symbol,
        trade_date,
        opened_date,
        row_number,
        null as currency,
        signed_quantity > 0 as is_buy,
        false as is_regular,
        abs(signed_quantity) as quantity,
        price,
        cast(trade_date as timestamp) as filled_at_et,
        null as fill_number,
        null as fill_id,
        null as propreports_number,
        null as propreports_id
    from opening_lots
),

rows_in_books as (
    select
        all_rows.*,
        coalesce(books.book_symbol, all_rows.symbol) as book_symbol,
        coalesce(books.units_per_share, 1) as units_per_share
    from all_rows
    inner join instruments on all_rows.symbol = instruments.symbol
    left join books
        on
            all_rows.account_id = books.account_id
            and all_rows.symbol = books.symbol
            and all_rows.trade_date >= books.valid_from
            and all_rows.trade_date < books.valid_to
),

rows_numbered as (
    -- In the order of int_fills_current; converted lots are numbered below a million.
    select
        rows_in_books.*,
        {{ date_prefixed_sequence(
            'rows_in_books.trade_date',
            '1000000 + row_number() over ('
            ~ 'partition by rows_in_books.account_id, rows_in_books.trade_date order by '
            ~ fill_order('rows_in_books') ~ ')',
        ) }} as fill_sequence,
        case
            when rows_in_books.is_buy then rows_in_books.quantity else -rows_in_books.quantity
        end as signed_quantity
    from rows_in_books
    inner join concerned_books
        on
            rows_in_books.account_id = concerned_books.account_id
            and rows_in_books.book_symbol = concerned_books.book_symbol
),

{{ fills_matched_within('rows_numbered') }},

final as (
    select
        ---------- keys
        account_id,
        book_symbol,
        fill_sequence,
        account_number,
        ---------- text
        currency,
        ---------- numbers
        units_per_share,
        price,
        cast(
            {{ in_units('(quantity - matched_quantity)', 'units_per_share') }}
            as decimal(38, 8)
        ) as units,
        ---------- flags
        is_buy,
        ---------- dates
        opened_date
    from fills_split
    where quantity > matched_quantity
)

select * from final
