{#
    Grain: one row per account number.
    As listed last. Numbers with one id are one account: it was listed late, or got a new
    number. Ids are given by ingestion, once.
#}
with

account_versions as (
    select
        account_number,
        content_hash,
        is_listed,
        known_at,
        last_seen_at
    from {{ ref('stg_propreports__account_versions') }}
),

account_contents as (
    select
        account_number,
        content_hash,
        currency
    from {{ ref('stg_propreports__accounts') }}
),

versions_ranked as (
    select
        account_number,
        content_hash,
        is_listed,
        max(case when is_listed then last_seen_at end) over (
            partition by account_number
        ) as last_listed_at,
        row_number() over (
            partition by account_number order by known_at desc
        ) as recency
    from account_versions
),

accounts as (
    select
        account_contents.account_number,
        account_contents.currency,
        versions_ranked.is_listed,
        versions_ranked.last_listed_at
    from versions_ranked
    inner join account_contents
        on
            versions_ranked.account_number = account_contents.account_number
            and versions_ranked.content_hash = account_contents.content_hash
    where versions_ranked.recency = 1
),

ids_ranked as (
    select
        account_number,
        account_id,
        parted_from_account_id,
        row_number() over (
            partition by account_number order by given_at desc
        ) as recency
    from {{ ref('stg_propreports__account_ids') }}
),

final as (
    select
        accounts.account_number,
        ids_ranked.account_id,
        ids_ranked.parted_from_account_id,
        accounts.currency,
        accounts.is_listed,
        accounts.last_listed_at
    from accounts
    -- An account without an id is a fault that a test finds, not one that is left out.
    left join ids_ranked
        on
            accounts.account_number = ids_ranked.account_number
            and ids_ranked.recency = 1
)

select * from final
