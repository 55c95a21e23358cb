{#
    Grain: one row per account and date from which it has a role.
    account_roles.csv of the desk says it; where it says nothing, an account is a trader's.
    Lines that say two things of one time say nothing: the role is unclear, and nothing of
    the account is in a total of the desk until one of them is gone. What is said of a time
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

account_roles as (
    select
        account_id,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        line_number,
        account_role,
        parent_account_id,
        reset_date
    from {{ ref('stg_desk__account_roles') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

known_lines as (
    select
        account_roles.account_id,
        account_roles.valid_from,
        case when count(*) = 1 then max(account_roles.account_role) else 'unclear' end
            as account_role,
        case when count(*) = 1 then max(account_roles.parent_account_id) end
            as parent_account_id,
        case when count(*) = 1 then max(account_roles.reset_date) end as reset_date,
        {{ joined_text(
            'cast(account_roles.line_number as string)', "' and '",
            'account_roles.line_number',
        ) }} as line_numbers,
        {{ joined_text(
            'account_roles.account_role', "' and '", 'account_roles.line_number'
        ) }} as said_roles
    from account_roles
    inner join run_context on account_roles.valid_from <= run_context.as_of_date
    group by account_roles.account_id, account_roles.valid_from
),

lines_said as (
    {{ lines_of_accounts(
        'accounts', 'known_lines',
        ['account_role', 'parent_account_id', 'reset_date', 'line_numbers', 'said_roles'],
    ) }}
),

roles as (
    select
        account_id,
        valid_from,
        account_role,
        parent_account_id,
        reset_date,
        line_numbers,
        said_roles
    from lines_said
    union all
    select
        accounts.account_id,
        {{ min_date() }} as valid_from,
        'trader' as account_role,
        cast(null as string) as parent_account_id,
        cast(null as date) as reset_date,
        cast(null as string) as line_numbers,
        cast(null as string) as said_roles
    from accounts
    left join lines_said
        on
            accounts.account_id = lines_said.account_id
            and lines_said.valid_from = {{ min_date() }}
    where lines_said.account_id is null
),

final as (
    select
        ---------- keys
        account_id,
        ---------- text
        account_role,
        parent_account_id,
        line_numbers,
        said_roles,
        ---------- flags
        account_role not in ('master', 'house', 'error', 'demo', 'unclear')
            as is_in_desk_total,
        ---------- dates
        reset_date,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by account_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from roles
)

select * from final
