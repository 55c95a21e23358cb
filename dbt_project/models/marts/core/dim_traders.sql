{#
    Grain: one row per trader and date from which what is said of the trader holds.
    The risk manager's seed traders says it; where it says nothing, the name is the
    trader's id. What the seed says of a time after AS_OF is not known yet.
#}
with

account_traders as (
    select distinct trader_id from {{ ref('int_account_traders') }}
),

traders as (
    select
        trader_id,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        display_name,
        strategy,
        trader_group,
        is_active,
        daily_loss_limit_amount
    from {{ ref('traders') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

statements as (
    select
        traders.trader_id,
        traders.valid_from,
        traders.display_name,
        traders.strategy,
        traders.trader_group,
        traders.is_active,
        traders.daily_loss_limit_amount
    from traders
    inner join run_context on traders.valid_from <= run_context.as_of_date
    inner join account_traders on traders.trader_id = account_traders.trader_id
    union all
    select
        account_traders.trader_id,
        {{ min_date() }} as valid_from,
        cast(null as string) as display_name,
        cast(null as string) as strategy,
        cast(null as string) as trader_group,
        cast(null as boolean) as is_active,
        cast(null as decimal(18, 8)) as daily_loss_limit_amount
    from account_traders
    left join traders
        on
            account_traders.trader_id = traders.trader_id
            and traders.valid_from = {{ min_date() }}
    where traders.trader_id is null
),

final as (
    select
        ---------- keys
        trader_id,
        ---------- text
        coalesce(display_name, trader_id) as display_name,
        strategy,
        trader_group,
        ---------- money
        daily_loss_limit_amount,
        ---------- flags
        coalesce(is_active, true) as is_active,
        lead(valid_from) over (
            partition by trader_id order by valid_from
        ) is null as is_current,
        ---------- dates
        valid_from,
        coalesce(
            lead(valid_from) over (partition by trader_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from statements
)

select * from final
