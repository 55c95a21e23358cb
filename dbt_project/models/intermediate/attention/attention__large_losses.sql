{#
    Grain: one row per trader without a limit whose worst day of the last ten sessions is
    a loss of more than the desk's default. With a limit it is a breach.
#}
with

limit_use as (
    select
        scope_name,
        trade_date,
        used_value,
        is_limit_set
    from {{ ref('fct_limit_use') }}
    where scope_type = 'trader' and rule = 'daily_loss'
),

sessions as (
    select * from {{ ref('int_recent_sessions') }}
),

trader_days as (
    select
        trader_id,
        trade_date,
        lag(pnl_scale_20d) over (partition by trader_id order by trade_date) as usual_amount
    from {{ ref('int_trader_days') }}
),

totals as (
    select
        trader_id,
        trade_date,
        total_pnl
    from {{ ref('fct_trader_total_pnl') }}
),

losses as (
    select
        limit_use.scope_name,
        limit_use.trade_date,
        limit_use.used_value,
        sessions.recency,
        row_number() over (
            partition by limit_use.scope_name
            order by limit_use.used_value desc, limit_use.trade_date desc
        ) as size_order
    from limit_use
    inner join sessions on limit_use.trade_date = sessions.session_date
    where
        limit_use.used_value
        > {{ var('default_daily_loss_limit_amount') }}
        and not limit_use.is_limit_set
),

final as (
    select
        'large_loss' as kind,
        case
            when losses.used_value > 3 * trader_days.usual_amount or losses.recency = 1 then 1
            else 2
        end as severity,
        'trader' as scope_type,
        losses.scope_name,
        losses.trade_date,
        'daily_loss' as rule,
        losses.used_value as amount,
        cast(null as decimal(18, 8)) as limit_value,
        {{ safe_divide('losses.used_value', 'trader_days.usual_amount') }} as ratio,
        cast(1 as bigint) as days_count,
        cast(null as timestamp) as occurred_at,
        'lost ' || {{ dollars_text('losses.used_value') }} || ' in a day' as fact,
        'no limit is set (the default is '
        || {{ dollars_text(var('default_daily_loss_limit_amount')) }} || ')'
        || case
            when trader_days.usual_amount > 0
                then
                    '; '
                    || {{ times_text('losses.used_value / trader_days.usual_amount') }}
                    || ' the usual day'
            else ''
        end
        -- What was held may have made up for it, and more.
        || case
            when totals.total_pnl >= 0
                then
                    '; with adjustments and unrealized the day made '
                    || {{ dollars_text('totals.total_pnl') }}
            else ''
        end as comparison,
        'Set a limit; speak with the trader before the open' as what_to_do
    from losses
    left join trader_days
        on
            losses.scope_name = trader_days.trader_id
            and losses.trade_date = trader_days.trade_date
    left join totals
        on
            losses.scope_name = totals.trader_id
            and losses.trade_date = totals.trade_date
    where losses.size_order = 1
)

select * from final
