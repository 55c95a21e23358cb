{#
    Grain: one row per account and date from which it belongs to a trader and has a role.
    Whose each account is, and was, and what it is: the desk's trader_accounts.csv and
    account_roles.csv.
#}
with

account_traders as (
    select * from {{ ref('int_account_traders') }}
),

accounts as (
    -- An account may have had several numbers; the one listed last represents it.
    select
        account_id,
        max_by(currency, coalesce(last_listed_at, cast('1900-01-01' as timestamp)))
            as currency
    from {{ ref('int_accounts') }}
    group by account_id
),

final as (
    select
        ---------- keys
        account_traders.account_id,
        account_traders.trader_id,
        ---------- text
        accounts.currency,
        account_traders.account_role,
        account_traders.parent_account_id,
        ---------- flags
        account_traders.is_in_desk_total,
        account_traders.valid_to = {{ max_date() }} as is_current,
        ---------- dates
        account_traders.reset_date,
        account_traders.valid_from,
        account_traders.valid_to
    from account_traders
    inner join accounts on account_traders.account_id = accounts.account_id
)

select * from final
