{#
    Grain: one row per trader and date from which a limit of the trader's accounts holds.
    Of several accounts with a limit the smallest counts: nobody has said that they add
    up. A null limit means that none of them has one from that date on. What limits.csv
    says of a time after AS_OF is not known yet.
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
        account_id,
        coalesce(cast(valid_from as date), {{ min_date() }}) as valid_from,
        daily_loss_limit_amount
    from {{ ref('stg_desk__limits') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

account_limits as (
    select
        limits.account_id,
        limits.daily_loss_limit_amount,
        limits.valid_from,
        coalesce(
            lead(limits.valid_from) over (
                partition by limits.account_id order by limits.valid_from
            ),
            {{ max_date() }}
        ) as valid_to
    from limits
    inner join run_context on limits.valid_from <= run_context.as_of_date
),

trader_periods as (
    select
        account_traders.trader_id,
        account_limits.daily_loss_limit_amount,
        greatest(account_traders.valid_from, account_limits.valid_from) as valid_from,
        least(account_traders.valid_to, account_limits.valid_to) as valid_to
    from account_limits
    inner join account_traders
        on
            account_limits.account_id = account_traders.account_id
            and account_limits.valid_from < account_traders.valid_to
            and account_limits.valid_to > account_traders.valid_from
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
