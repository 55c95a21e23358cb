{#
    Grain: one row per trader, group, strategy or desk whose drawdown was never deeper than
    at its last close, in the last session.
#}
with

scope_days as (
    select
        scope_type,
        scope_name,
        trade_date,
        drawdown
    from {{ ref('int_scope_days') }}
    where scope_type <> 'account'
),

sessions as (
    select session_date from {{ ref('int_recent_sessions') }}
    where recency = 1
),

days_compared as (
    select
        *,
        max(drawdown) over (
            partition by scope_type, scope_name order by trade_date
            rows between unbounded preceding and 1 preceding
        ) as deepest_before,
        count(*) over (
            partition by scope_type, scope_name order by trade_date
            rows between unbounded preceding and 1 preceding
        ) as days_before_count
    from scope_days
),

final as (
    select
        'new_low' as kind,
        2 as severity,
        days_compared.scope_type,
        days_compared.scope_name,
        days_compared.trade_date,
        'drawdown' as rule,
        days_compared.drawdown as amount,
        cast(null as decimal(18, 8)) as limit_value,
        {{ safe_divide('days_compared.drawdown', 'days_compared.deepest_before') }} as ratio,
        days_compared.days_before_count as days_count,
        cast(null as timestamp) as occurred_at,
        {{ dollars_text('days_compared.drawdown') }} || ' below the peak, a new low' as fact,
        'the deepest before was ' || {{ dollars_text('days_compared.deepest_before') }}
            as comparison,
        'Review the size until it recovers' as what_to_do
    from days_compared
    inner join sessions on days_compared.trade_date = sessions.session_date
    where
        days_compared.drawdown > days_compared.deepest_before
        -- In the first weeks almost every loss is a new low.
        and days_compared.days_before_count >= 20
)

select * from final
