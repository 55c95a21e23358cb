{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_spans'},
    tags=['planned'],
) }}
{#
    Grain: one row per matched part of a lot: units of one fill that its own day did not match,
    and the later fill that closed them, or none yet. Units are those of a book, which no
    split changes (int_symbol_books); an expiry closes what is open without a fill.
    Second FIFO level: what the day's own matching left over, and its journal entries, meet
    the lots of before in order of time, oldest first (macro fifo_lot_matches). The earlier
    fill of a pair opened the lot; both are of one day only if one is a journal entry.
    Lots that are open when what is planned begins come first: they are all that the days
    before leave behind.
#}
with

planned_symbols as (
    select
        account_id,
        book_symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

matches as (
    {{ planned_rows(ref('int_fills_matched'), 'symbols') }}
),

previous_lots as (
    select * from {{ previous_rows({
        'account_id': 'varchar(100)',
        'book_symbol': 'varchar(100)',
        'opening_sequence': 'bigint',
        'quantity': 'decimal(18, 8)',
        'multiplier': 'decimal(18, 8)',
        'opening_price': 'decimal(18, 8)',
        'is_long': 'boolean',
        'opened_date': 'date',
        'closed_date': 'date',
    }) }}
),

remainders as (
    select
        previous_lots.account_id,
        previous_lots.book_symbol,
        previous_lots.opened_date as trade_date,
        previous_lots.opening_sequence as fill_sequence,
        previous_lots.is_long as is_buy,
        previous_lots.opening_price as price,
        previous_lots.multiplier,
        cast(sum(previous_lots.quantity) as decimal(18, 8)) as remaining_quantity
    from previous_lots
    inner join planned_symbols
        on
            previous_lots.account_id = planned_symbols.account_id
            and previous_lots.book_symbol = planned_symbols.book_symbol
            and previous_lots.opened_date < planned_symbols.first_date
            and coalesce(previous_lots.closed_date, {{ max_date() }})
            >= planned_symbols.first_date
    group by
        previous_lots.account_id,
        previous_lots.book_symbol,
        previous_lots.opened_date,
        previous_lots.opening_sequence,
        previous_lots.is_long,
        previous_lots.opening_price,
        previous_lots.multiplier
    union all
    select
        account_id,
        book_symbol,
        trade_date,
        fill_sequence,
        is_buy,
        price,
        multiplier,
        cast({{ in_units('remaining_quantity', 'units_per_share') }} as decimal(18, 8))
            as remaining_quantity
    from matches
    where remaining_quantity > 0
),

lot_matches as (
    {{ fifo_lot_matches('remainders', 'remaining_quantity') }}
),

lot_matches_directed as (
    select
        *,
        case
            when sell_sequence is null then true
            when buy_sequence is null then false
            else buy_sequence < sell_sequence
        end as is_long
    from lot_matches
),

final as (
    select
        ---------- keys
        account_id,
        book_symbol,
        case when is_long then buy_sequence else sell_sequence end as opening_sequence,
        case when is_long then sell_sequence else buy_sequence end as closing_sequence,
        ---------- numbers
        quantity,
        multiplier,
        case when is_long then buy_units else sell_units end as opening_units,
        case when is_long then sell_units else buy_units end as closing_units,
        case when is_long then buy_price else sell_price end as opening_price,
        case when is_long then sell_price else buy_price end as closing_price,
        ---------- money: null while open
        gross_pnl,
        ---------- flags
        is_long,
        ---------- dates
        case when is_long then buy_date else sell_date end as opened_date,
        case when is_long then sell_date else buy_date end as closed_date
    from lot_matches_directed
)

select * from final
