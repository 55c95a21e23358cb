{# Grain: one row: accounts with fills that the broker's list does not have. #}
with

accounts as (
    select
        account_id,
        last_listed_at
    from {{ ref('int_accounts') }}
),

-- An account may have several numbers; one that is listed is enough.
unlisted_accounts as (
    select account_id
    from accounts
    group by account_id
    having max(last_listed_at) is null
),

final as (
    select
        'unlisted_account' as check_name,
        count(*) as found_count,
        'accounts have fills but are not on the list of accounts' as finding
    from unlisted_accounts
)

select * from final
