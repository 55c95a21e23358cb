{#
    Grain: one row per trader who lost on so many days with P&L one after the other, up to
    the last session, and has no limit on it that would be shown as a breach.
#}
with

scope_days as (
    select
        scope_name,
        trade_date,
        losing_streak_days,
        net_pnl
    from {{ ref('int_scope_days') }}
    where scope_type = 'trader' and has_pnl
),

sessions as (
    select session_date from {{ ref('int_recent_sessions') }}
    where recency = 1
),

streaks as (
    select
        scope_days.scope_name,
        scope_days.trade_date,
        scope_days.losing_streak_days
    from scope_days
    inner join sessions on scope_days.trade_date = sessions.session_date
    where scope_days.losing_streak_days >= {{ var('attention_losing_streak_days') }}
),

days_numbered as (
    select
        *,
        row_number() over (partition by scope_name order by trade_date desc) as recency
    from scope_days
),

streak_losses as (
    select
        streaks.scope_name,
        -sum(days_numbered.net_pnl) as loss_amount
    from streaks
    inner join days_numbered
        on
            streaks.scope_name = days_numbered.scope_name
            and streaks.losing_streak_days >= days_numbered.recency
    group by streaks.scope_name
),

final as (
    select
        'losing_streak' as kind,
        2 as severity,
        'trader' as scope_type,
        streaks.scope_name,
        streaks.trade_date,
        'losing_streak' as rule,
        streak_losses.loss_amount as amount,
        cast(null as decimal(18, 8)) as limit_value,
        cast(null as double) as ratio,
        streaks.losing_streak_days as days_count,
        cast(null as timestamp) as occurred_at,
        'lost on ' || streaks.losing_streak_days || ' days in a row, '
        || {{ dollars_text('streak_losses.loss_amount') }} || ' together' as fact,
        cast(null as string) as comparison,
        'Review what changed; speak with the trader' as what_to_do
    from streaks
    inner join streak_losses on streaks.scope_name = streak_losses.scope_name
)

select * from final
