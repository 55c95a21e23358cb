{#
    Grain: one row per account number.
    Numbers that carry one name are one account: it was listed late, or got a new
    number. account_id is the code (first word of the name) where only one name has it,
    else a salted hash of the name. trader_id is the account's, unless the risk
    manager's seed trader_accounts maps several accounts to one trader.
#}
with

accounts as (
    select
        account_number,
        account_code,
        name_hash,
        currency,
        listed_date
    from {{ ref('stg_propreports__accounts') }}
),

trader_accounts as (
    select
        account_id,
        trader_id
    from {{ ref('trader_accounts') }}
),

names_counted as (
    select
        account_code,
        count(distinct name_hash) as names_count
    from accounts
    group by account_code
),

accounts_identified as (
    select
        accounts.account_number,
        accounts.currency,
        accounts.listed_date,
        case
            when names_counted.names_count = 1 and accounts.account_code <> ''
                then accounts.account_code
            else accounts.name_hash
        end as account_id
    from accounts
    inner join names_counted on accounts.account_code = names_counted.account_code
),

final as (
    select
        accounts_identified.account_number,
        accounts_identified.account_id,
        coalesce(trader_accounts.trader_id, accounts_identified.account_id) as trader_id,
        accounts_identified.currency,
        accounts_identified.listed_date
    from accounts_identified
    left join trader_accounts
        on accounts_identified.account_id = trader_accounts.account_id
)

select * from final
