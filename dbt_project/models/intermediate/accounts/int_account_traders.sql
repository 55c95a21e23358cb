{#
    Grain: one row per account and date from which it belongs to a trader and has a role.
    The desk's trader_accounts.csv (else the seed) decides, from each of its dates on; before
    the first of them, and where it names no account, an account is a trader of its own,
    or stays with the trader of the account that it was parted from. What is said of a time
    after AS_OF is not known yet.
    What is in no total of the desk (int_account_roles) is a trader apart, named by account and
    role: so no fill of it is among a trader's, or counted twice.
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

assignments_said as (
    {{ lines_of_accounts('accounts', 'known_lines', ['trader_id']) }}
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

assignment_periods as (
    select
        account_id,
        trader_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by account_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from assignments
),

account_roles as (
    select * from {{ ref('int_account_roles') }}
),

changes as (
    select
        account_id,
        valid_from
    from assignment_periods
    union
    select
        account_id,
        valid_from
    from account_roles
),

final as (
    select
        ---------- keys
        changes.account_id,
        case
            when account_roles.is_in_desk_total then assignment_periods.trader_id
            else changes.account_id || ' (' || account_roles.account_role || ')'
        end as trader_id,
        ---------- text
        account_roles.account_role,
        account_roles.parent_account_id,
        ---------- flags
        account_roles.is_in_desk_total,
        ---------- dates
        account_roles.reset_date,
        changes.valid_from,
        coalesce(
            lead(changes.valid_from) over (
                partition by changes.account_id order by changes.valid_from
            ),
            {{ max_date() }}
        ) as valid_to
    from changes
    inner join assignment_periods
        on
            changes.account_id = assignment_periods.account_id
            and changes.valid_from >= assignment_periods.valid_from
            and changes.valid_from < assignment_periods.valid_to
    inner join account_roles
        on
            changes.account_id = account_roles.account_id
            and changes.valid_from >= account_roles.valid_from
            and changes.valid_from < account_roles.valid_to
)

select * from final
