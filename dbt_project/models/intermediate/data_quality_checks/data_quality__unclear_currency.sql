{#
    Grain: one row: symbols of accounts whose fills name several currencies, on one day or
    while a position is held, or another one than the symbol tells.
#}
with

results as (
    select
        account_id,
        book_symbol,
        symbol,
        trade_date,
        currency,
        opening_units
    from {{ ref('int_symbol_day_results') }}
),

instruments as (
    select
        symbol,
        currency
    from {{ ref('int_instruments') }}
),

foreign_books as (
    -- Of most books every day is in the base currency.
    select
        account_id,
        book_symbol
    from results
    where currency is distinct from '{{ var("base_currency") }}'
    union
    select
        results.account_id,
        results.book_symbol
    from results
    inner join instruments on results.symbol = instruments.symbol
    where results.currency <> instruments.currency
),

days as (
    select
        results.*,
        instruments.currency as symbol_currency,
        lag(results.currency) over (
            partition by results.account_id, results.book_symbol
            order by results.trade_date
        ) as previous_currency
    from results
    inner join foreign_books
        on
            results.account_id = foreign_books.account_id
            and results.book_symbol = foreign_books.book_symbol
    left join instruments on results.symbol = instruments.symbol
),

unclear_days as (
    select
        account_id,
        symbol,
        trade_date,
        case
            when currency is null then 'several currencies'
            when currency <> symbol_currency
                then currency || ', but the symbol says ' || symbol_currency
            when opening_units <> 0 and currency <> previous_currency
                then currency || ', held in ' || previous_currency
        end as reason_text
    from days
),

symbols as (
    select
        account_id,
        symbol,
        min(trade_date) as first_date,
        min_by(reason_text, trade_date) as reason_text
    from unclear_days
    where reason_text is not null
    group by account_id, symbol
),

symbols_ordered as (
    select
        *,
        row_number() over (order by first_date desc, account_id asc, symbol asc)
            as shown_order
    from symbols
),

final as (
    select
        'unclear_currency' as check_name,
        count(*) as found_count,
        'symbols whose currency is not clear: '
        || {{ first_few_joined(
            "account_id || ' ' || symbol || ' on ' || first_date || ': ' || reason_text",
            '; ',
        ) }} as finding
    from symbols_ordered
)

select * from final
