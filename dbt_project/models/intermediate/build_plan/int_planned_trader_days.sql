{#
    Grain: one row per trader and date of which this run builds anew what is made of fills.
    Days with a planned fill, now or when it was built, and later days on which a planned
    symbol is traded.
#}
with

planned_days as (
    select
        account_id,
        trade_date
    from {{ ref('int_planned_account_days') }}
),

previous_days as (
    select
        account_id,
        trader_id,
        trade_date
    from {{ ref('int_previous_fill_days') }}
),

planned_symbols as (
    select
        account_id,
        book_symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol
    from {{ ref('int_symbol_books') }}
),

fill_days as (
    select
        account_id,
        trader_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_fill_days') }}
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

later_days as (
    -- The days themselves first: there are few of them, and fills are many.
    select distinct
        fill_days.account_id,
        fill_days.trader_id,
        fill_days.trade_date,
        fill_days.calendar_date,
        fill_days.account_number,
        fill_days.content_hash
    from fill_days
    inner join planned_symbols
        on
            fill_days.account_id = planned_symbols.account_id
            and fill_days.trade_date > planned_symbols.first_date
),

final as (
    select
        fill_days.trader_id,
        fill_days.trade_date
    from planned_days
    inner join fill_days
        on
            planned_days.account_id = fill_days.account_id
            and planned_days.trade_date = fill_days.trade_date
    union
    select
        previous_days.trader_id,
        previous_days.trade_date
    from planned_days
    inner join previous_days
        on
            planned_days.account_id = previous_days.account_id
            and planned_days.trade_date = previous_days.trade_date
    union
    select
        later_days.trader_id,
        later_days.trade_date
    from later_days
    inner join fills
        on
            later_days.account_number = fills.account_number
            and later_days.calendar_date = fills.calendar_date
            and later_days.trade_date = fills.trade_date
            and later_days.content_hash = fills.content_hash
    left join books
        on
            later_days.account_id = books.account_id
            and fills.symbol = books.symbol
            and fills.trade_date >= books.valid_from
            and fills.trade_date < books.valid_to
    inner join planned_symbols
        on
            later_days.account_id = planned_symbols.account_id
            and coalesce(books.book_symbol, fills.symbol) = planned_symbols.book_symbol
            and later_days.trade_date > planned_symbols.first_date
)

select * from final
