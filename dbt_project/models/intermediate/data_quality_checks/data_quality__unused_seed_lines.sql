{# Grain: one row: names in the desk's files that no fill knows. #}
with

account_traders as (
    select
        account_id,
        trader_id
    from {{ ref('int_account_traders') }}
),

trader_accounts as (
    select
        account_id,
        trader_id
    from {{ ref('stg_desk__trader_accounts') }}
),

traders as (
    select trader_id from {{ ref('stg_desk__traders') }}
),

account_roles as (
    select
        account_id,
        parent_account_id
    from {{ ref('stg_desk__account_roles') }}
),

payout_terms as (
    select trader_id from {{ ref('stg_desk__payout_terms') }}
),

known_names as (
    select account_id as known_id
    from account_traders
    union all
    select trader_id as known_id
    from account_traders
    union all
    select trader_id as known_id
    from trader_accounts
),

seed_names as (
    select account_id as named_id
    from trader_accounts
    union all
    select trader_id as named_id
    from traders
    union all
    select trader_id as named_id
    from payout_terms
    union all
    select account_id as named_id
    from account_roles
    union all
    select parent_account_id as named_id
    from account_roles
    where parent_account_id is not null
),

unused_names as (
    select
        seed_names.named_id,
        row_number() over (order by seed_names.named_id) as shown_order
    from seed_names
    left join known_names on seed_names.named_id = known_names.known_id
    where known_names.known_id is null
    group by seed_names.named_id
),

final as (
    select
        'unused_seed_lines' as check_name,
        count(*) as found_count,
        'lines of the desk''s files name unknown accounts or traders: '
        || {{ first_few_joined('named_id') }} as finding
    from unused_names
)

select * from final
