{#
    Grain: one row per matched part of a lot that was carried overnight, or opened or closed
    by a journal entry: units of one fill, and the later fill that closed them, or none yet.
    In the shares and under the symbol of the date that closed it, or of today: prices of
    before a split are those of the new shares.
    The lots of a date's end are those with
    opened_date <= date and (closed_date > date or closed_date is null).
#}
with

lots_in_units as (
    select * from {{ ref('int_overnight_lot_matches') }}
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

lots as (
    select
        lots_in_units.account_id,
        coalesce(books.symbol, lots_in_units.book_symbol) as symbol,
        lots_in_units.opening_sequence,
        lots_in_units.closing_sequence,
        lots_in_units.multiplier,
        lots_in_units.is_long,
        lots_in_units.closing_price,
        lots_in_units.gross_pnl,
        lots_in_units.opened_date,
        lots_in_units.closed_date,
        cast(
            {{ in_shares(
                'lots_in_units.quantity', 'coalesce(books.units_per_share, 1)'
            ) }} as decimal(18, 8)
        ) as quantity,
        case
            when coalesce(books.units_per_share, 1) = lots_in_units.opening_units
                then lots_in_units.opening_price
            else
                cast(
                    cast(lots_in_units.opening_price as double)
                    * coalesce(books.units_per_share, 1) / lots_in_units.opening_units
                    as decimal(18, 8)
                )
        end as opening_price
    from lots_in_units
    left join books
        on
            lots_in_units.account_id = books.account_id
            and lots_in_units.book_symbol = books.book_symbol
            and coalesce(lots_in_units.closed_date, {{ max_date() }} - interval 1 day)
            >= books.valid_from
            and coalesce(lots_in_units.closed_date, {{ max_date() }} - interval 1 day)
            < books.valid_to
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

final as (
    select
        ---------- keys
        concat_ws(
            '|',
            lots.account_id,
            lots.symbol,
            cast(lots.opening_sequence as string),
            cast(lots.closing_sequence as string)
        ) as lot_match_id,
        lots.account_id,
        account_traders.trader_id,
        lots.symbol,
        lots.opening_sequence,
        lots.closing_sequence,
        ---------- numbers
        cast(case when lots.is_long then lots.quantity else -lots.quantity end as decimal(38, 8))
            as signed_quantity,
        lots.multiplier,
        lots.opening_price,
        lots.closing_price,
        ---------- money
        {{ exact_product(
            'case when lots.is_long then lots.quantity else -lots.quantity end',
            'lots.opening_price',
            'lots.multiplier',
        ) }} as open_cost,
        cast(lots.gross_pnl as decimal(38, 8)) as gross_pnl,
        ---------- dates
        lots.opened_date,
        lots.closed_date
    from lots
    inner join account_traders
        on
            lots.account_id = account_traders.account_id
            and lots.opened_date >= account_traders.valid_from
            and lots.opened_date < account_traders.valid_to
)

select * from final
