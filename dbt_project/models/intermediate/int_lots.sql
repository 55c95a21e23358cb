{{ config(materialized='rebuilt', rebuilds='symbol_spans', carries_state=true) }}
{#
    Grain: one row per piece of a lot: units of one fill that its own day did not match,
    and the later fill that closed them, or none yet.
    Second FIFO level: what the day's own matching left over meets the lots of earlier
    days, oldest first (macro fifo_pieces). What a day leaves over goes one way, so the
    two fills of a pair are of different days: the earlier opened the lot.
    Lots open when a batch begins come first: they are all that history leaves behind.
#}
with

rebuilt_symbols as (
    {{ rebuilt_symbols() }}
),

matches as (
    {{ rebuilt_rows(ref('int_intraday_matches'), 'symbol') }}
),

lots_so_far as (
    select * from {{ rows_so_far({
        'account_id': 'varchar(100)',
        'symbol': 'varchar(100)',
        'opening_sequence': 'bigint',
        'quantity': 'decimal(18, 8)',
        'multiplier': 'decimal(18, 8)',
        'opening_price': 'decimal(18, 8)',
        'is_long': 'boolean',
        'opened_date': 'date',
        'closed_date': 'date',
    }) }} as carried
),

remainders as (
    select
        lots_so_far.account_id,
        lots_so_far.symbol,
        lots_so_far.opened_date as trade_date,
        lots_so_far.opening_sequence as fill_sequence,
        lots_so_far.is_long as is_buy,
        lots_so_far.opening_price as price,
        lots_so_far.multiplier,
        cast(sum(lots_so_far.quantity) as decimal(18, 8)) as remaining_quantity
    from lots_so_far
    inner join rebuilt_symbols
        on
            lots_so_far.account_id = rebuilt_symbols.account_id
            and lots_so_far.symbol = rebuilt_symbols.symbol
            and lots_so_far.opened_date < rebuilt_symbols.first_date
            and coalesce(lots_so_far.closed_date, {{ for_ever() }})
            >= rebuilt_symbols.first_date
    group by
        lots_so_far.account_id,
        lots_so_far.symbol,
        lots_so_far.opened_date,
        lots_so_far.opening_sequence,
        lots_so_far.is_long,
        lots_so_far.opening_price,
        lots_so_far.multiplier
    union all
    select
        account_id,
        symbol,
        trade_date,
        fill_sequence,
        is_buy,
        price,
        multiplier,
        remaining_quantity
    from matches
    where remaining_quantity > 0
),

pieces as (
    {{ fifo_pieces('remainders', 'remaining_quantity') }}
),

pieces_directed as (
    select
        *,
        case
            when sell_date is null then true
            when buy_date is null then false
            else buy_date < sell_date
        end as is_long
    from pieces
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        case when is_long then buy_sequence else sell_sequence end as opening_sequence,
        case when is_long then sell_sequence else buy_sequence end as closing_sequence,
        ---------- numbers
        quantity,
        multiplier,
        case when is_long then buy_price else sell_price end as opening_price,
        case when is_long then sell_price else buy_price end as closing_price,
        ---------- money: null while open
        gross_pnl,
        ---------- flags
        is_long,
        ---------- dates
        case when is_long then buy_date else sell_date end as opened_date,
        case when is_long then sell_date else buy_date end as closed_date
    from pieces_directed
)

select * from final
