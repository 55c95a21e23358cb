{#
    Grain: one row per scope, rule and date whose limit was passed within the day, or was
    passed already when it began: at which fill, and what came after it.
    Only days that are breached are walked through, in the order of int_scope_paths. What
    was passed at the close alone (a drawdown, a streak, overnight) has no moment.
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
        and rule in (
            'daily_loss', 'weekly_loss', 'monthly_loss', 'position', 'gross_exposure',
            'net_exposure', 'trades'
        )
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

fill_results as (
    select
        account_id,
        trader_id,
        trade_date,
        fill_sequence,
        day_sequence,
        realized_gross_pnl - total_fees as net_pnl,
        is_regular,
        has_fill_time,
        filled_at_et
    from {{ ref('int_fill_results') }}
),

fill_exposures as (
    select
        account_id,
        trade_date,
        fill_sequence,
        quantity_after,
        abs(exposure_after) - abs(exposure_before) as gross_moved,
        exposure_after - exposure_before as net_moved
    from {{ ref('int_fill_exposures') }}
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

breached_days as (
    select distinct
        scope_type,
        scope_name,
        trade_date
    from limit_use
),

breached_account_days as (
    select
        breached_days.scope_type,
        breached_days.scope_name,
        breached_days.trade_date,
        account_scopes.account_id
    from breached_days
    inner join account_scopes
        on
            breached_days.scope_type = account_scopes.scope_type
            and breached_days.scope_name = account_scopes.scope_name
            and breached_days.trade_date >= account_scopes.valid_from
            and breached_days.trade_date < account_scopes.valid_to
),

opening_exposures as (
    select
        breached_account_days.scope_type,
        breached_account_days.scope_name,
        breached_account_days.trade_date,
        max(account_days.opening_quantity) as opening_quantity,
        {{ sum_if_known('account_days.opening_gross_exposure') }} as opening_gross,
        {{ sum_if_known('account_days.opening_net_exposure') }} as opening_net
    from breached_account_days
    inner join account_days
        on
            breached_account_days.account_id = account_days.account_id
            and breached_account_days.trade_date = account_days.trade_date
    group by
        breached_account_days.scope_type, breached_account_days.scope_name,
        breached_account_days.trade_date
),

steps as (
    select
        breached_account_days.scope_type,
        breached_account_days.scope_name,
        fill_results.trade_date,
        fill_results.account_id,
        fill_results.trader_id,
        fill_results.fill_sequence,
        fill_results.day_sequence,
        fill_results.net_pnl,
        fill_results.is_regular,
        fill_results.filled_at_et,
        case when fill_results.has_fill_time then fill_results.filled_at_et end
            as timed_at_et,
        abs(fill_exposures.quantity_after) as units_after,
        fill_exposures.gross_moved,
        fill_exposures.net_moved,
        case when openings.account_id is null then 0 else 1 end as opened_trips_count
    from breached_account_days
    inner join fill_results
        on
            breached_account_days.account_id = fill_results.account_id
            and breached_account_days.trade_date = fill_results.trade_date
    inner join fill_exposures
        on
            fill_results.account_id = fill_exposures.account_id
            and fill_results.fill_sequence = fill_exposures.fill_sequence
            and fill_results.trade_date = fill_exposures.trade_date
    left join openings
        on
            fill_results.account_id = openings.account_id
            and fill_results.fill_sequence = openings.opening_sequence
),

paths as (
    select
        *,
        row_number() over day_in_order as scope_sequence,
        sum(net_pnl) over day_so_far as path_pnl,
        sum(gross_moved) over day_so_far as path_gross,
        sum(net_moved) over day_so_far as path_net,
        sum(opened_trips_count) over day_so_far as path_trips
    from steps
    window
        day_in_order as (
            partition by scope_type, scope_name, trade_date
            order by filled_at_et, trader_id, day_sequence
        ),
        day_so_far as (
            partition by scope_type, scope_name, trade_date
            order by filled_at_et, trader_id, day_sequence
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
        paths.account_id,
        paths.fill_sequence,
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
