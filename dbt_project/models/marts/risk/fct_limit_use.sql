{#
    Grain: one row per scope (an account, a trader, a group, a strategy, the desk), rule and
    date on which a limit holds and there is something to hold against it; of the daily
    loss of a trader also where nobody has set one.
    A limit is breached when the most of the day is past it, from the path of fills and not
    from the close; breached_at is the fill that did it. Realized P&L; total_used_value is by
    total P&L, where that is known. Amounts are dollars, units, days or trades, as limit_unit
    says.
#}
with

limit_use as (
    select * from {{ ref('int_limit_use') }}
),

moments as (
    select * from {{ ref('int_breach_moments') }}
),

previous_days as (
    select
        *,
        lag(is_breached) over (
            partition by
                scope_type, scope_name, rule,
                -- A week or month of its own is a new one; a day's loss always is.
                case
                    when rule = 'weekly_loss' then {{ dbt.date_trunc('week', 'trade_date') }}
                    when rule = 'monthly_loss' then {{ dbt.date_trunc('month', 'trade_date') }}
                    when rule in ('daily_loss', 'trades') then trade_date
                    else {{ min_date() }}
                end
            order by trade_date
        ) as was_breached
    from limit_use
),

final as (
    select
        ---------- keys
        previous_days.scope_type,
        previous_days.scope_name,
        previous_days.rule,
        previous_days.trade_date,
        ---------- text
        case
            when previous_days.rule = 'position' then 'units'
            when previous_days.rule = 'losing_streak' then 'days'
            when previous_days.rule = 'trades' then 'trades'
            else 'dollars'
        end as limit_unit,
        ---------- numbers
        previous_days.limit_value,
        previous_days.warning_share,
        previous_days.used_value,
        previous_days.total_used_value,
        previous_days.peak_value,
        {{ safe_divide('previous_days.used_value', 'previous_days.limit_value') }} as used_ratio,
        {{ safe_divide('previous_days.peak_value', 'previous_days.limit_value') }} as peak_ratio,
        case when previous_days.is_breached then moments.fills_after_count end
            as fills_after_breach_count,
        ---------- money
        moments.net_pnl_at_breach,
        moments.net_pnl_after as net_pnl_after_breach,
        ---------- flags
        previous_days.limit_value is not null as is_limit_set,
        {{ safe_divide('previous_days.peak_value', 'previous_days.limit_value') }}
        >= previous_days.warning_share as is_warned,
        previous_days.is_breached,
        previous_days.is_breached and not coalesce(previous_days.was_breached, false)
            as is_new_breach,
        previous_days.used_value > previous_days.limit_value as is_breached_at_close,
        previous_days.total_used_value > previous_days.limit_value as is_breached_by_total,
        coalesce(moments.is_past_at_open, false) as is_past_at_open,
        ---------- times
        previous_days.peak_at,
        moments.breached_at
    from previous_days
    left join moments
        on
            previous_days.scope_type = moments.scope_type
            and previous_days.scope_name = moments.scope_name
            and previous_days.rule = moments.rule
            and previous_days.trade_date = moments.trade_date
)

select * from final
