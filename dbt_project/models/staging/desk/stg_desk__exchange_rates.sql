{#
    Grain: one row per line of exchange_rates.csv.
#}
with

lines as (
    {{ desk_lines('exchange_rates') }}
),

final as (
    select
        line_number,
        cast(rate_date as date) as rate_date,
        currency,
        cast(rate as decimal(17, 10)) as exchange_rate,
        note
    from lines
)

select * from final
