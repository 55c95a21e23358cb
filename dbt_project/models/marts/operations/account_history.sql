{#
    Grain: one row per account number and change of its name, currency or being listed.
    A rename or a deactivation is a new row; superseded_at is empty for the last one.
    What the name was stays in the raw layer: it may be a person's.
#}
with

account_versions as (
    select
        account_number,
        content_hash,
        is_listed,
        known_at,
        first_seen_at,
        last_seen_at
    from {{ ref('stg_propreports__account_versions') }}
),

accounts as (
    select
        account_number,
        content_hash,
        name_hash,
        currency
    from {{ ref('stg_propreports__accounts') }}
),

account_ids as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

final as (
    select
        ---------- keys
        account_versions.account_number,
        account_ids.account_id,
        ---------- text
        accounts.currency,
        ---------- flags
        account_versions.is_listed,
        coalesce(
            accounts.name_hash <> lag(accounts.name_hash) over (
                partition by account_versions.account_number
                order by account_versions.known_at
            ),
            false
        ) as is_renamed,
        ---------- times
        account_versions.known_at,
        lead(account_versions.known_at) over (
            partition by account_versions.account_number
            order by account_versions.known_at
        ) as superseded_at,
        account_versions.first_seen_at,
        account_versions.last_seen_at
    from account_versions
    inner join accounts
        on
            account_versions.account_number = accounts.account_number
            and account_versions.content_hash = accounts.content_hash
    inner join account_ids
        on account_versions.account_number = account_ids.account_number
)

select * from final
