{#
    Grain: one row per pair of fills of one day that FIFO matches.
    What int_intraday_matches says of each fill, as pairs: which fill met which.
#}
with

final as (
    {{ fifo_pieces(
        ref('int_intraday_matches'),
        'matched_quantity',
        per_day=true,
        share_end='matched_share_end',
    ) }}
)

select * from final
