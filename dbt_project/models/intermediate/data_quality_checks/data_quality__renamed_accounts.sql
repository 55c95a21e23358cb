{# Grain: one row: accounts renamed since the morning before. #}
with

account_versions as (
    select
        account_id,
        known_at
    from {{ ref('account_history') }}
    where is_renamed
),

last_opening as (
    select opened_at from {{ ref('int_last_opening') }}
),

final as (
    select
        'renamed_accounts' as check_name,
        count(distinct account_versions.account_id) as found_count,
        'accounts were renamed since the morning before; '
        || 'all of their days go by the new name' as finding
    from account_versions
    inner join last_opening on account_versions.known_at >= last_opening.opened_at
)

select * from final
