{#
    Grain: one row per trader of whom it is not known what was realized in one of the last
    five sessions: nothing there can be held against a limit.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        unknown_parts
    from {{ ref('fct_trader_total_pnl') }}
    where pnl_basis = 'incomplete'
),

sessions as (
    select session_date from {{ ref('int_recent_sessions') }}
    where recency <= 5
),

final as (
    select
        'unknown_pnl' as kind,
        1 as severity,
        'trader' as scope_type,
        trader_days.trader_id as scope_name,
        max(trader_days.trade_date) as trade_date,
        cast(null as string) as rule,
        cast(null as decimal(38, 8)) as amount,
        cast(null as decimal(18, 8)) as limit_value,
        cast(null as double) as ratio,
        count(*) as days_count,
        cast(null as timestamp) as occurred_at,
        'P&L of ' || count(*) || ' of the last five sessions is not known' as fact,
        max_by(trader_days.unknown_parts, trader_days.trade_date) as comparison,
        'Get the missing fills; no limit can be checked on these days' as what_to_do
    from trader_days
    inner join sessions on trader_days.trade_date = sessions.session_date
    group by trader_days.trader_id
)

select * from final
