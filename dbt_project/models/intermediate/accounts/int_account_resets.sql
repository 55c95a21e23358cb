{#
    Grain: one row per account and date on which its peak began anew, by account_roles.csv.
    What is said of a time after AS_OF is not known yet.
#}
with

account_roles as (
    select
        account_id,
        reset_date
    from {{ ref('int_account_roles') }}
    where reset_date is not null
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select distinct
        account_roles.account_id,
        account_roles.reset_date
    from account_roles
    inner join run_context on account_roles.reset_date < run_context.as_of_date
)

select * from final
