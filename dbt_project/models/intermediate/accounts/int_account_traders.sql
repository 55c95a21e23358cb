{#
    Grain: one row per account and date from which it belongs to a trader.
    The risk manager's seed trader_accounts decides, from each of its dates on; before
    the first of them, and where it names no account, an account is a trader of its own.
    What the seed says of a time after AS_OF is not known yet.
#}
with

accounts as (
    select distinct account_id from {{ ref('int_accounts') }}
),

trader_accounts as (
    select
        account_id,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        trader_id
    from {{ ref('trader_accounts') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

assignments as (
    select
        trader_accounts.account_id,
        trader_accounts.valid_from,
        trader_accounts.trader_id
    from trader_accounts
    inner join run_context on trader_accounts.valid_from <= run_context.as_of_date
    inner join accounts on trader_accounts.account_id = accounts.account_id
    union all
    select
        accounts.account_id,
        {{ min_date() }} as valid_from,
        accounts.account_id as trader_id
    from accounts
    left join trader_accounts
        on
            accounts.account_id = trader_accounts.account_id
            and trader_accounts.valid_from = {{ min_date() }}
    where trader_accounts.account_id is null
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
