{#
    Grain: one row per account number and version of its name and currency.
    The account's name may hold a person's: only a salted hash of it leaves the raw layer,
    and its first word where that can only be a code: of one case, and with a digit or
    with nothing after it in capitals. What the list says of dates and balances now was
    not known on earlier mornings, so it stays in the raw layer as well.
#}
with

source as (
    select * from {{ source('propreports', 'accounts') }}
),

words as (
    select
        *,
        -- Whatever may stand between a code and a person's name ends the code.
        regexp_extract(trim(account_name), '^[A-Za-z0-9_.-]+', 0) as first_word
    from source
),

final as (
    select
        ---------- keys
        account_number,
        content_hash,
        ---------- text
        case
            when
                first_word = upper(first_word)
                and (
                    first_word = trim(account_name)
                    or first_word <> translate(first_word, '0123456789', '')
                )
                then first_word
            when
                first_word = lower(first_word)
                and first_word <> translate(first_word, '0123456789', '')
                then first_word
            else ''
        end as account_code,
        name_hash,
        currency
    from words
)

select * from final
