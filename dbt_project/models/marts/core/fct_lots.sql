{#
    Grain: one row per matched part of a lot that was carried overnight, or opened or closed
    by a journal entry: units of one fill, and the later fill that closed them, or none yet.
    The lots of a date's end are those with
    opened_date <= date and (closed_date > date or closed_date is null).
#}
with

lots as (
    select * from {{ ref('int_overnight_lot_matches') }}
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
