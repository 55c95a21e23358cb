{#
    Grain: one row per trader whose worst day of the last ten sessions is a loss of more
    than the limit, or than the desk's default where nobody has set one that it could have
    broken. A breach of the last five sessions is shown as such, while it is open.
#}
with

limit_use as (
    select
        scope_name,
        trade_date,
        used_value,
        limit_value,
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

losses as (
    select
        limit_use.scope_name,
        limit_use.trade_date,
        limit_use.used_value,
        limit_use.limit_value,
        limit_use.is_limit_set,
        sessions.recency,
        row_number() over (
            partition by limit_use.scope_name
            order by limit_use.used_value desc, limit_use.trade_date desc
        ) as size_order
    from limit_use
    inner join sessions on limit_use.trade_date = sessions.session_date
    where
        limit_use.used_value
        > coalesce(limit_use.limit_value, {{ var('default_daily_loss_limit_amount') }})
        and (sessions.recency > 5 or not limit_use.is_limit_set)
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
        losses.limit_value,
        {{ safe_divide('losses.used_value', 'trader_days.usual_amount') }} as ratio,
        cast(1 as bigint) as days_count,
        cast(null as timestamp) as occurred_at,
        'lost ' || {{ dollars_text('losses.used_value') }} || ' in a day' as fact,
        case
            when losses.is_limit_set then 'limit ' || {{ dollars_text('losses.limit_value') }}
            else
                'no limit is set (the default is '
                || {{ dollars_text(var('default_daily_loss_limit_amount')) }} || ')'
        end
        || case
            when trader_days.usual_amount > 0
                then
                    '; '
                    || {{ times_text('losses.used_value / trader_days.usual_amount') }}
                    || ' the usual day'
            else ''
        end as comparison,
        case when losses.is_limit_set then '' else 'Set a limit; ' end
        || 'speak with the trader before the open' as what_to_do
    from losses
    left join trader_days
        on
            losses.scope_name = trader_days.trader_id
            and losses.trade_date = trader_days.trade_date
    where losses.size_order = 1
)

select * from final
