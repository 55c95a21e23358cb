{# Grain: one row: accounts whose name or id changed since the morning before. #}
with

account_versions as (
    select
        account_id,
        known_at
    from {{ ref('account_history') }}
    where is_renamed
),

given_ids as (
    select
        account_id,
        parted_from_account_id,
        given_at
    from {{ ref('stg_propreports__account_ids') }}
),

last_opening as (
    select opened_at from {{ ref('int_last_opening') }}
),

changes as (
    select
        account_versions.account_id,
        account_versions.account_id as shown_id
    from account_versions
    inner join last_opening on account_versions.known_at >= last_opening.opened_at
    union
    select
        given_ids.account_id,
        given_ids.account_id
        || ' (was ' || given_ids.parted_from_account_id || ')' as shown_id
    from given_ids
    inner join last_opening on given_ids.given_at >= last_opening.opened_at
    where given_ids.parted_from_account_id is not null
),

changes_ranked as (
    select
        account_id,
        shown_id,
        row_number() over (order by shown_id) as shown_order
    from changes
),

final as (
    select
        'renamed_accounts' as check_name,
        count(distinct account_id) as found_count,
        'accounts were renamed, or split from another, since the morning before; '
        || 'their trader and limit are unchanged: '
        || {{ first_few_joined('shown_id') }} as finding
    from changes_ranked
)

select * from final
