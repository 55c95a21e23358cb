{#
    Grain: one row per scope, rule and date whose limit was breached within the day, or was
    breached already when it began: at which fill, and what came after it.
    What was breached at the close alone (a drawdown, a streak, overnight) has no moment.
#}
with

limit_use as (
    select
        scope_type,
        scope_name,
        rule,
        trade_date,
        limit_value,
        pnl_before
    from {{ ref('int_limit_use') }}
    where
        is_breached
        and rule not in ('drawdown', 'losing_streak', 'overnight_exposure')
),

fills as (
    select * from {{ ref('int_breached_fills') }}
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

openings as (
    select
        account_id,
        opening_sequence
    from {{ ref('int_round_trips') }}
),

account_days as (
    select
        account_id,
        trade_date,
        opening_quantity,
        opening_gross_exposure,
        opening_net_exposure
    from {{ ref('fct_exposure') }}
),

opening_exposures as (
    select
        limit_use.scope_type,
        limit_use.scope_name,
        limit_use.rule,
        limit_use.trade_date,
        max(account_days.opening_quantity) as opening_quantity,
        {{ sum_if_known('account_days.opening_gross_exposure') }} as opening_gross,
        {{ sum_if_known('account_days.opening_net_exposure') }} as opening_net
    from limit_use
    inner join account_scopes
        on
            limit_use.scope_type = account_scopes.scope_type
            and limit_use.scope_name = account_scopes.scope_name
            and limit_use.trade_date >= account_scopes.valid_from
            and limit_use.trade_date < account_scopes.valid_to
    inner join account_days
        on
            account_scopes.account_id = account_days.account_id
            and limit_use.trade_date = account_days.trade_date
    group by
        limit_use.scope_type, limit_use.scope_name, limit_use.rule, limit_use.trade_date
),

paths as (
    select
        fills.scope_type,
        fills.scope_name,
        fills.trade_date,
        fills.scope_sequence,
        fills.net_pnl,
        fills.is_regular,
        fills.timed_at_et,
        abs(fills.quantity_after) as units_after,
        sum(fills.net_pnl) over day_so_far as path_pnl,
        sum(abs(fills.exposure_after) - abs(fills.exposure_before)) over day_so_far
            as path_gross,
        sum(fills.exposure_after - fills.exposure_before) over day_so_far as path_net,
        sum(case when openings.account_id is null then 0 else 1 end) over day_so_far
            as path_trips
    from fills
    left join openings
        on
            fills.account_id = openings.account_id
            and fills.fill_sequence = openings.opening_sequence
    window day_so_far as (
        partition by fills.scope_type, fills.scope_name, fills.trade_date
        order by fills.scope_sequence
        rows between unbounded preceding and current row
    )
),

levels as (
    select
        limit_use.scope_type,
        limit_use.scope_name,
        limit_use.rule,
        limit_use.trade_date,
        limit_use.limit_value,
        paths.scope_sequence,
        paths.net_pnl,
        paths.path_pnl,
        paths.is_regular,
        paths.timed_at_et,
        case
            when limit_use.rule in ('daily_loss', 'weekly_loss', 'monthly_loss')
                then -(limit_use.pnl_before + paths.path_pnl)
            when limit_use.rule = 'position' then paths.units_after
            when limit_use.rule = 'gross_exposure'
                then opening_exposures.opening_gross + paths.path_gross
            when limit_use.rule = 'net_exposure'
                then abs(opening_exposures.opening_net + paths.path_net)
            when limit_use.rule = 'trades' then paths.path_trips
        end as level_after,
        case
            when limit_use.rule in ('daily_loss', 'weekly_loss', 'monthly_loss')
                then -limit_use.pnl_before
            when limit_use.rule = 'position' then opening_exposures.opening_quantity
            when limit_use.rule = 'gross_exposure' then opening_exposures.opening_gross
            when limit_use.rule = 'net_exposure' then abs(opening_exposures.opening_net)
            else 0
        end as level_before
    from limit_use
    inner join paths
        on
            limit_use.scope_type = paths.scope_type
            and limit_use.scope_name = paths.scope_name
            and limit_use.trade_date = paths.trade_date
    left join opening_exposures
        on
            limit_use.scope_type = opening_exposures.scope_type
            and limit_use.scope_name = opening_exposures.scope_name
            and limit_use.rule = opening_exposures.rule
            and limit_use.trade_date = opening_exposures.trade_date
),

first_steps as (
    select
        scope_type,
        scope_name,
        rule,
        trade_date,
        case
            when max(level_before) > max(limit_value) then 0
            else min(case when level_after > limit_value then scope_sequence end)
        end as breach_sequence
    from levels
    group by scope_type, scope_name, rule, trade_date
),

final as (
    select
        ---------- keys
        levels.scope_type,
        levels.scope_name,
        levels.rule,
        levels.trade_date,
        ---------- numbers
        cast(max(first_steps.breach_sequence) as bigint) as breach_sequence,
        cast(
            sum(
                case
                    when levels.scope_sequence > first_steps.breach_sequence and levels.is_regular
                        then 1
                    else 0
                end
            ) as bigint
        ) as fills_after_count,
        ---------- money
        cast(
            coalesce(
                max(
                    case
                        when levels.scope_sequence = first_steps.breach_sequence
                            then levels.path_pnl
                    end
                ),
                case when max(first_steps.breach_sequence) = 0 then 0 end
            ) as decimal(38, 8)
        ) as net_pnl_at_breach,
        cast(
            sum(
                case
                    when levels.scope_sequence > first_steps.breach_sequence
                        then levels.net_pnl
                    else 0
                end
            ) as decimal(38, 8)
        ) as net_pnl_after,
        ---------- flags
        max(first_steps.breach_sequence) = 0 as is_past_at_open,
        ---------- times
        {{ to_utc(
            'max(case when levels.scope_sequence = first_steps.breach_sequence '
            ~ 'then levels.timed_at_et end)'
        ) }} as breached_at
    from levels
    inner join first_steps
        on
            levels.scope_type = first_steps.scope_type
            and levels.scope_name = first_steps.scope_name
            and levels.rule = first_steps.rule
            and levels.trade_date = first_steps.trade_date
    where first_steps.breach_sequence is not null
    group by levels.scope_type, levels.scope_name, levels.rule, levels.trade_date
)

select * from final
