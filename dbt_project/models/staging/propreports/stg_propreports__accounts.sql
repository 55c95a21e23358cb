{#
    Grain: one row per account number and version of its name and currency.
    The account's name may hold a person's: only a salted hash of it leaves the raw layer.
    What the list says of balances now was not known on earlier mornings, so it stays in
    the raw layer as well; the date that an account first traded on never changes.
#}
with

source as (
    select * from {{ source('propreports', 'accounts') }}
),

final as (
    select
        account_number,
        content_hash,
        name_hash,
        upper(currency) as currency,
        first_traded_date
    from source
)

select * from final
