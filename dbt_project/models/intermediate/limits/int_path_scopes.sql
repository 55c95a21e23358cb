{#
    Grain: one row per scope whose path is walked through the fills of all its accounts,
    account and date from which it belongs to it. Single accounts only if they have a limit:
    fct_exposure has the others.
#}
with

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

limits as (
    select distinct scope_name
    from {{ ref('int_limits') }}
    where scope_type = 'account'
),

final as (
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        account_scopes.account_id,
        account_scopes.valid_from,
        account_scopes.valid_to
    from account_scopes
    left join limits on account_scopes.scope_name = limits.scope_name
    where account_scopes.scope_type <> 'account' or limits.scope_name is not null
)

select * from final
