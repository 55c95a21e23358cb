{#
    Grain: one row per account and date of which the figures would be others if what trades in
    sessions counted by the other rule: on its calendar date, or where the desk has ended a
    cut-off, by it.
    Both levels of matching are worked out anew, for books with such a fill alone, in the
    instrument's currency and then in the base currency at the rate of that date.
#}
with

moved_books as (
    -- Read by itself: two columns of every fill, and all of them of few.
    select
        account_id,
        book_symbol,
        case when min(currency) = max(currency) then max(currency) end as currency
    from {{ ref('int_fills_current') }}
    where is_counted and trade_date <> other_date
    group by account_id, book_symbol
),

fills_current as (
    select
        account_id,
        symbol,
        book_symbol,
        currency,
        trade_date as own_date,
        other_date as trade_date,
        fill_sequence,
        units_per_share,
        case when is_corporate_action then 0 else quantity end as quantity,
        case when is_corporate_action then 0 else signed_quantity end as signed_quantity,
        quantity as traded_quantity,
        price,
        multiplier,
        total_fees,
        is_buy,
        is_regular
    from {{ ref('int_fills_current') }}
    where is_counted
),

fills as (
    select fills_current.*
    from fills_current
    inner join moved_books
        on
            fills_current.account_id = moved_books.account_id
            and fills_current.book_symbol = moved_books.book_symbol
),

moved_fills as (
    select * from fills
    where trade_date <> own_date
),

{{ fills_matched_within('fills') }},

remainders as (
    select
        account_id,
        book_symbol,
        trade_date,
        fill_sequence,
        is_buy,
        price,
        multiplier,
        cast(
            {{ in_units('(quantity - matched_quantity)', 'units_per_share') }} as decimal(18, 8)
        ) as remaining_units
    from fills_split
),

overnight_lot_matches as (
    {{ fifo_lot_matches('remainders', 'remaining_units') }}
),

symbol_days as (
    select
        account_id,
        book_symbol,
        trade_date,
        gross_pnl
    from {{ ref('int_symbol_days') }}
),

daily_totals as (
    select
        account_id,
        trade_date,
        fills_count,
        quantity,
        gross_pnl,
        total_fees
    from {{ ref('daily_totals') }}
),

matches as (
    select
        account_id,
        book_symbol,
        trade_date,
        case when is_buy then -1 else 1 end
        * {{ exact_product('matched_quantity', 'price', 'multiplier') }} as local_gross_pnl
    from fills_split
    union all
    select
        account_id,
        book_symbol,
        greatest(buy_date, sell_date) as trade_date,
        gross_pnl as local_gross_pnl
    from overnight_lot_matches
    where gross_pnl is not null
),

book_days as (
    select
        account_id,
        book_symbol,
        trade_date,
        cast(sum(local_gross_pnl) as decimal(38, 8)) as local_gross_pnl
    from matches
    group by account_id, book_symbol, trade_date
),

book_days_rated as (
    select
        book_days.account_id,
        book_days.trade_date,
        book_days.local_gross_pnl,
        {{ rate_of('moved_books.currency', 'rates') }} as exchange_rate
    from book_days
    inner join moved_books
        on
            book_days.account_id = moved_books.account_id
            and book_days.book_symbol = moved_books.book_symbol
    {{ join_rates('rates', 'moved_books.currency', 'book_days.trade_date') }}
),

parts as (
    select
        account_id,
        trade_date,
        {{ in_base('local_gross_pnl', 'exchange_rate') }} as gross_pnl,
        0 as fills_count,
        0 as quantity,
        0 as total_fees,
        0 as traded_units
    from book_days_rated
    union all
    select
        symbol_days.account_id,
        symbol_days.trade_date,
        -symbol_days.gross_pnl as gross_pnl,
        0 as fills_count,
        0 as quantity,
        0 as total_fees,
        0 as traded_units
    from symbol_days
    inner join moved_books
        on
            symbol_days.account_id = moved_books.account_id
            and symbol_days.book_symbol = moved_books.book_symbol
    union all
    select
        account_id,
        trade_date,
        0 as gross_pnl,
        case when is_regular then 1 else 0 end as fills_count,
        case when is_regular then traded_quantity else 0 end as quantity,
        total_fees,
        traded_quantity * cast(multiplier as decimal(19, 8)) as traded_units
    from moved_fills
    union all
    select
        account_id,
        own_date as trade_date,
        0 as gross_pnl,
        case when is_regular then -1 else 0 end as fills_count,
        case when is_regular then -traded_quantity else 0 end as quantity,
        -total_fees as total_fees,
        traded_quantity * cast(multiplier as decimal(19, 8)) as traded_units
    from moved_fills
),

differences as (
    select
        account_id,
        trade_date,
        -- What one book lacks an exchange rate of makes the sum unknown.
        {{ sum_if_known('gross_pnl') }} as gross_pnl,
        sum(fills_count) as fills_count,
        sum(quantity) as quantity,
        {{ sum_if_known('total_fees') }} as total_fees,
        sum(traded_units) as traded_units
    from parts
    group by account_id, trade_date
    having
        count(*) > count(gross_pnl)
        or sum(gross_pnl) <> 0
        or sum(traded_units) <> 0
),

final as (
    select
        ---------- keys
        differences.account_id,
        differences.trade_date,
        ---------- numbers
        cast(coalesce(daily_totals.fills_count, 0) + differences.fills_count as bigint)
            as fills_count,
        cast(coalesce(daily_totals.quantity, 0) + differences.quantity as decimal(38, 8))
            as quantity,
        cast(differences.traded_units as decimal(38, 8)) as moved_units,
        ---------- money
        cast(
            case when daily_totals.account_id is null then 0 else daily_totals.gross_pnl end
            + differences.gross_pnl as decimal(38, 8)
        ) as gross_pnl,
        cast(
            case when daily_totals.account_id is null then 0 else daily_totals.total_fees end
            + differences.total_fees as decimal(38, 8)
        ) as total_fees
    from differences
    left join daily_totals
        on
            differences.account_id = daily_totals.account_id
            and differences.trade_date = daily_totals.trade_date
)

select * from final
