{{ config(materialized='view') }}
{#
    Grain: one row per account: its currency as listed last, else the base currency.
    Fees, adjustments and the broker's figures are of it.
    A view, though small: dbt parses the whole of a statement to put an ephemeral part into it,
    and those that read this are long.
#}
with

accounts as (
    select
        account_id,
        currency,
        last_listed_at
    from {{ ref('int_accounts') }}
),

final as (
    select
        account_id,
        coalesce(
            max_by(currency, coalesce(last_listed_at, cast({{ min_date() }} as timestamp))),
            '{{ var("base_currency") }}'
        ) as currency
    from accounts
    where account_id is not null
    group by account_id
)

select * from final
