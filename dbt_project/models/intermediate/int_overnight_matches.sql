{#
    Grain: one row per pair of fills of different days that FIFO matches.
    Second FIFO level: what the day's own matching left over meets the lots of earlier
    days, oldest first (macro overnight_matches).
#}
with

final as (
    {{ overnight_matches(ref('int_intraday_matches')) }}
)

select * from final
