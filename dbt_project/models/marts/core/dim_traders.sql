{#
    Grain: one row per trader and date from which what is said of the trader holds.
    The risk manager's traders.csv says it; where it says nothing, the name is the
    trader's id. A limit of the trader's accounts (limits.csv) goes before that of
    traders.csv. What is said of a time after AS_OF is not known yet.
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
    from {{ ref('stg_desk__traders') }}
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

statement_periods as (
    select
        trader_id,
        display_name,
        strategy,
        trader_group,
        is_active,
        daily_loss_limit_amount,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by trader_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from statements
),

limits as (
    select
        trader_id,
        daily_loss_limit_amount,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by trader_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from {{ ref('int_trader_loss_limits') }}
),

changes as (
    select
        trader_id,
        valid_from
    from statement_periods
    union
    select
        trader_id,
        valid_from
    from limits
),

final as (
    select
        ---------- keys
        changes.trader_id,
        ---------- text
        coalesce(statement_periods.display_name, changes.trader_id) as display_name,
        statement_periods.strategy,
        statement_periods.trader_group,
        ---------- money
        coalesce(
            limits.daily_loss_limit_amount, statement_periods.daily_loss_limit_amount
        ) as daily_loss_limit_amount,
        ---------- flags
        coalesce(statement_periods.is_active, true) as is_active,
        lead(changes.valid_from) over (
            partition by changes.trader_id order by changes.valid_from
        ) is null as is_current,
        ---------- dates
        changes.valid_from,
        coalesce(
            lead(changes.valid_from) over (
                partition by changes.trader_id order by changes.valid_from
            ),
            {{ max_date() }}
        ) as valid_to
    from changes
    inner join statement_periods
        on
            changes.trader_id = statement_periods.trader_id
            and changes.valid_from >= statement_periods.valid_from
            and changes.valid_from < statement_periods.valid_to
    left join limits
        on
            changes.trader_id = limits.trader_id
            and changes.valid_from >= limits.valid_from
            and changes.valid_from < limits.valid_to
)

select * from final
