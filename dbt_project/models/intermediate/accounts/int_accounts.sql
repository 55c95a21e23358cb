{#
    Grain: one row per account number.
    As listed last. Numbers that carry one name are one account: it was listed late, or
    got a new number. account_id is the code (first word of the name) where only one name has it,
    else a salted hash of the name.
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
        account_code,
        name_hash,
        currency
    from {{ ref('stg_propreports__accounts') }}
),

versions_ranked as (
    select
        account_number,
        content_hash,
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
        account_contents.account_code,
        account_contents.name_hash,
        account_contents.currency,
        versions_ranked.last_listed_at
    from versions_ranked
    inner join account_contents
        on
            versions_ranked.account_number = account_contents.account_number
            and versions_ranked.content_hash = account_contents.content_hash
    where versions_ranked.recency = 1
),

names_counted as (
    select
        account_code,
        count(distinct name_hash) as names_count
    from accounts
    group by account_code
),

final as (
    select
        accounts.account_number,
        case
            when names_counted.names_count = 1 and accounts.account_code <> ''
                then accounts.account_code
            else accounts.name_hash
        end as account_id,
        accounts.currency,
        accounts.last_listed_at
    from accounts
    inner join names_counted on accounts.account_code = names_counted.account_code
)

select * from final
