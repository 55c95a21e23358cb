{#
    Grain: one row per account number and version of its name and currency.
    The account's name may be a person's: only its first word (the code) and a salted
    hash leave the raw layer.
#}
with

source as (
    select * from {{ source('propreports', 'accounts') }}
),

final as (
    select
        ---------- keys
        account_number,
        content_hash,
        ---------- text
        -- Whatever may stand between a code and a person's name ends the code.
        regexp_extract(trim(account_name), '^[A-Za-z0-9_.-]+', 0) as account_code,
        name_hash,
        currency,
        ---------- dates
        first_traded_date,
        last_traded_date
    from source
)

select * from final
