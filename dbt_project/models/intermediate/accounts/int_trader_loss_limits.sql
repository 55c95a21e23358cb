{#
    Grain: one row per trader and date from which limits.csv says something of the trader
    or of the trader's accounts. Of several daily loss limits the smallest counts: nobody
    has said that they add up. A null limit means that there is none from that date on.
    What limits.csv says of a time after AS_OF is not known yet.
#}
with

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

limits as (
    select
        scope_type,
        scope_name,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        daily_loss_limit_amount
    from {{ ref('stg_desk__limits') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

limit_periods as (
    select
        limits.scope_type,
        limits.scope_name,
        limits.daily_loss_limit_amount,
        limits.valid_from,
        coalesce(
            lead(limits.valid_from) over (
                partition by limits.scope_type, limits.scope_name order by limits.valid_from
            ),
            {{ max_date() }}
        ) as valid_to
    from limits
    inner join run_context on limits.valid_from <= run_context.as_of_date
),

trader_periods as (
    select
        account_traders.trader_id,
        limit_periods.daily_loss_limit_amount,
        greatest(account_traders.valid_from, limit_periods.valid_from) as valid_from,
        least(account_traders.valid_to, limit_periods.valid_to) as valid_to
    from limit_periods
    inner join account_traders
        on
            limit_periods.scope_name = account_traders.account_id
            and limit_periods.valid_from < account_traders.valid_to
            and limit_periods.valid_to > account_traders.valid_from
    where limit_periods.scope_type = 'account'
    union all
    select
        scope_name as trader_id,
        daily_loss_limit_amount,
        valid_from,
        valid_to
    from limit_periods
    where scope_type = 'trader'
),

changes as (
    select
        trader_id,
        valid_from as change_date
    from trader_periods
    union
    select
        trader_id,
        valid_to as change_date
    from trader_periods
    where valid_to < {{ max_date() }}
),

final as (
    select
        changes.trader_id,
        changes.change_date as valid_from,
        min(trader_periods.daily_loss_limit_amount) as daily_loss_limit_amount
    from changes
    left join trader_periods
        on
            changes.trader_id = trader_periods.trader_id
            and changes.change_date >= trader_periods.valid_from
            and changes.change_date < trader_periods.valid_to
    group by changes.trader_id, changes.change_date
)

select * from final
