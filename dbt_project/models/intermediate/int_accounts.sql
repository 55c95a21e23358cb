{#
    Grain: one row per account number.
    account_id is the code (first word of the name) where only one account has it, else
    a salted hash of the name. trader_id is the account's, unless the risk manager's
    seed trader_accounts maps several accounts to one trader.
#}
with

accounts as (
    select
        account_number,
        account_code,
        name_hash,
        currency,
        is_listed
    from {{ ref('stg_propreports__accounts') }}
),

trader_accounts as (
    select
        account_id,
        trader_id
    from {{ ref('trader_accounts') }}
),

accounts_identified as (
    select
        account_number,
        currency,
        is_listed,
        case
            when count(*) over (partition by account_code) = 1 then account_code
            else name_hash
        end as account_id
    from accounts
),

final as (
    select
        accounts_identified.account_number,
        accounts_identified.account_id,
        coalesce(trader_accounts.trader_id, accounts_identified.account_id) as trader_id,
        accounts_identified.currency,
        accounts_identified.is_listed
    from accounts_identified
    left join trader_accounts
        on accounts_identified.account_id = trader_accounts.account_id
)

select * from final
