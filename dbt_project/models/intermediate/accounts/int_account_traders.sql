{#
    Grain: one row per account and date from which it belongs to a trader.
    The desk's trader_accounts.csv (else the seed) decides, from each of its dates on; before
    the first of them, and where it names no account, an account is a trader of its own,
    or stays with the trader of the account that it was parted from. What is said of a time
    after AS_OF is not known yet.
#}
with

accounts as (
    select
        account_id,
        max(parted_from_account_id) as parted_from_account_id
    from {{ ref('int_accounts') }}
    group by account_id
),

trader_accounts as (
    select
        account_id,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        trader_id
    from {{ ref('stg_desk__trader_accounts') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

known_lines as (
    select
        trader_accounts.account_id,
        trader_accounts.valid_from,
        trader_accounts.trader_id
    from trader_accounts
    inner join run_context on trader_accounts.valid_from <= run_context.as_of_date
),

first_lines as (
    select
        account_id,
        min(valid_from) as valid_from
    from known_lines
    group by account_id
),

-- An account's own lines, and until the first of them those of whom it was parted from.
assignments_said as (
    select
        accounts.account_id,
        known_lines.valid_from,
        known_lines.trader_id
    from accounts
    inner join known_lines on accounts.account_id = known_lines.account_id
    union all
    select
        accounts.account_id,
        known_lines.valid_from,
        known_lines.trader_id
    from accounts
    inner join known_lines on accounts.parted_from_account_id = known_lines.account_id
    left join first_lines on accounts.account_id = first_lines.account_id
    where
        first_lines.account_id is null
        or known_lines.valid_from < first_lines.valid_from
),

assignments as (
    select
        account_id,
        valid_from,
        trader_id
    from assignments_said
    union all
    select
        accounts.account_id,
        {{ min_date() }} as valid_from,
        coalesce(accounts.parted_from_account_id, accounts.account_id) as trader_id
    from accounts
    left join assignments_said
        on
            accounts.account_id = assignments_said.account_id
            and assignments_said.valid_from = {{ min_date() }}
    where assignments_said.account_id is null
),

final as (
    select
        account_id,
        trader_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by account_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from assignments
)

select * from final
