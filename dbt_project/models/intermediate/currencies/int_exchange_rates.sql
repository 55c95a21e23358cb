{#
    Grain: one row per currency and date from which a rate of exchange_rates.csv counts:
    until the currency's next one. The base currency has none: it is worth 1.
#}
with

lines as (
    select
        currency,
        rate_date,
        exchange_rate
    from {{ ref('stg_desk__exchange_rates') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select
        ---------- keys
        lines.currency,
        lines.rate_date as valid_from,
        coalesce(
            lead(lines.rate_date) over (
                partition by lines.currency order by lines.rate_date
            ),
            {{ max_date() }}
        ) as valid_to,
        ---------- numbers
        lines.exchange_rate
    from lines
    inner join run_context on lines.rate_date < run_context.as_of_date
)

select * from final
