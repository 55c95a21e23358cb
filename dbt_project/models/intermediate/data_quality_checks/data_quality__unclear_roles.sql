{#
    Grain: one row: lines of account_roles.csv that say two things of an account at one
    time, or that name a master which is none.
#}
with

account_roles as (
    select * from {{ ref('int_account_roles') }}
),

unclear_roles as (
    select
        account_id,
        valid_from,
        'account_roles.csv, lines ' || line_numbers || ': ' || account_id || ' is '
        || said_roles || ' at one time, and in no total until one is deleted' as said
    from account_roles
    where account_role = 'unclear'
),

subs_alone as (
    select
        subs.account_id,
        subs.valid_from,
        max(
            'account_roles.csv, line ' || subs.line_numbers || ': ' || subs.account_id
            || case
                when subs.parent_account_id is null
                    then ' is a sub, and parent_account_id names no master'
                else
                    ' is a sub of ' || subs.parent_account_id || ', which is no master then'
            end
        ) as said
    from account_roles as subs
    left join account_roles as masters
        on
            subs.parent_account_id = masters.account_id
            and masters.account_role = 'master'
            and subs.valid_from < masters.valid_to
            and subs.valid_to > masters.valid_from
    where subs.account_role = 'sub' and masters.account_id is null
    group by subs.account_id, subs.valid_from
),

faults as (
    select * from unclear_roles
    union all
    select * from subs_alone
),

faults_ordered as (
    select
        said,
        row_number() over (order by account_id, valid_from) as shown_order
    from faults
),

final as (
    select
        'unclear_roles' as check_name,
        count(*) as found_count,
        'roles of accounts are not clear: '
        || {{ first_few_joined('said', '; ') }} as finding
    from faults_ordered
)

select * from final
