{#
    Grain: one row per piece of a lot: units of one fill that its own day did not match,
    and the later fill that closed them, or none yet.
    Second FIFO level: what the day's own matching left over meets the lots of earlier
    days, oldest first (macro fifo_pieces). What a day leaves over goes one way, so the
    two fills of a pair are of different days: the earlier opened the lot.
#}
with

pieces as (
    {{ fifo_pieces(ref('int_intraday_matches'), 'remaining_quantity') }}
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
