{{ config(materialized='view') }}
{#
    Grain: one row per account of which it is not known whether it traded lately: its
    fills did not all arrive, or are no longer sent (is_cut), or those up to a date
    vanished (vanished_until).
#}
with

gate_warnings as (
    select
        as_of_date,
        batch_name,
        check_name
    from {{ ref('int_gate_warnings') }}
    where accepted_by is null
),

gate_concerns as (
    select
        as_of_date,
        batch_name,
        check_name,
        account_number,
        trade_date,
        content_hash
    from {{ ref('stg_propreports__gate_concerns') }}
    where resource = 'fills' and account_number is not null
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

accounts_off as (
    select account_id from {{ ref('int_accounts_off_the_list') }}
),

unknown_by_gate as (
    select
        accounts.account_id,
        max(
            case
                when gate_concerns.content_hash is not null
                    then gate_concerns.trade_date
            end
        ) as vanished_until,
        max(
            case when gate_concerns.content_hash is null then 1 else 0 end
        ) = 1 as is_cut
    from gate_warnings
    inner join gate_concerns
        on
            gate_warnings.as_of_date = gate_concerns.as_of_date
            and gate_warnings.batch_name = gate_concerns.batch_name
            and gate_warnings.check_name = gate_concerns.check_name
    inner join accounts on gate_concerns.account_number = accounts.account_number
    where gate_concerns.content_hash is null or gate_concerns.content_hash = 'no rows'
    group by accounts.account_id
),

final as (
    select
        coalesce(unknown_by_gate.account_id, accounts_off.account_id) as account_id,
        unknown_by_gate.vanished_until,
        accounts_off.account_id is not null or unknown_by_gate.is_cut as is_cut
    from unknown_by_gate
    full outer join accounts_off
        on unknown_by_gate.account_id = accounts_off.account_id
)

select * from final
