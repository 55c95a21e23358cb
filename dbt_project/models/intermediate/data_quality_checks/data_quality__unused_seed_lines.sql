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
        line_number,
        account_id,
        trader_id
    from {{ ref('stg_desk__trader_accounts') }}
),

traders as (
    select
        line_number,
        trader_id
    from {{ ref('stg_desk__traders') }}
),

account_roles as (
    select
        line_number,
        account_id,
        parent_account_id
    from {{ ref('stg_desk__account_roles') }}
),

payout_terms as (
    select
        line_number,
        trader_id
    from {{ ref('stg_desk__payout_terms') }}
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

named as (
    select
        'trader_accounts.csv' as file_name,
        line_number,
        account_id as named_id
    from trader_accounts
    union all
    select
        'traders.csv' as file_name,
        line_number,
        trader_id as named_id
    from traders
    union all
    select
        'account_roles.csv' as file_name,
        line_number,
        account_id as named_id
    from account_roles
    union all
    select
        'account_roles.csv' as file_name,
        line_number,
        parent_account_id as named_id
    from account_roles
    where parent_account_id is not null
    union all
    select
        'payout_terms.csv' as file_name,
        line_number,
        trader_id as named_id
    from payout_terms
),

unused_names as (
    -- A line without a number is one of the project's seed.
    select
        named.file_name || coalesce(', line ' || named.line_number, ' of the project')
        || ': ' || named.named_id as line_text,
        row_number() over (
            order by named.file_name, named.line_number, named.named_id
        ) as shown_order
    from named
    left join known_names on named.named_id = known_names.known_id
    where known_names.known_id is null
    group by named.file_name, named.line_number, named.named_id
),

final as (
    select
        'unused_seed_lines' as check_name,
        count(*) as found_count,
        'lines of the desk''s files name unknown accounts or traders: '
        || {{ first_few_joined('line_text', '; ') }} as finding
    from unused_names
)

select * from final
