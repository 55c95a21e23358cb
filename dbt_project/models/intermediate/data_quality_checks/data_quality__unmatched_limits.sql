{# Grain: one row: limits of accounts that nobody knows; their traders keep the default. #}
with

accounts as (
    select distinct account_id from {{ ref('int_account_traders') }}
),

limits as (
    select distinct account_id from {{ ref('stg_desk__limits') }}
),

unmatched_limits as (
    select
        limits.account_id,
        row_number() over (order by limits.account_id) as shown_order
    from limits
    left join accounts on limits.account_id = accounts.account_id
    where accounts.account_id is null
),

final as (
    select
        'unmatched_limits' as check_name,
        count(*) as found_count,
        'limits are of accounts nobody knows, and hold for nobody: '
        || {{ first_few_joined('account_id') }} as finding
    from unmatched_limits
)

select * from final
