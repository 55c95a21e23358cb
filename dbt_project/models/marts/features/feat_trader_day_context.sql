{#
    Grain: one row per trader and trader day D (int_trader_days).
    What happened around the trader: the desk's other traders that day, and the calendar.
    Known at the close of D.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl,
        pnl_scale_20d,
        fills_count,
        coalesce(
            avg(case when is_traded_day then cast(fills_count as double) end) {{ trailing(20) }},
            0
        ) as mean_fills_20d
    from {{ ref('int_trader_days') }}
),

sessions as (
    select
        session_date,
        is_early_close
    from {{ ref('dim_sessions') }}
),

desk_days as (
    select
        trade_date,
        count(*) as traders_count,
        sum(net_pnl) as net_pnl,
        -- Exact sums, so that leaving one trader out leaves nothing of theirs behind.
        sum(cast(pnl_scale_20d as decimal(38, 8))) as pnl_scale_20d,
        sum(case when net_pnl < 0 then 1 else 0 end) as losing_traders_count,
        sum(fills_count) as fills_count,
        sum(cast(mean_fills_20d as decimal(38, 8))) as mean_fills_20d
    from trader_days
    group by trade_date
),

month_ends as (
    -- Sessions still to come in the month of a date, whether it is one or not.
    select
        dates.trade_date,
        count(sessions.session_date) as sessions_to_month_end
    from (select distinct trade_date from trader_days) as dates
    left join sessions
        on
            dates.trade_date < sessions.session_date
            and {{ dbt.date_trunc('month', 'dates.trade_date') }}
            = {{ dbt.date_trunc('month', 'sessions.session_date') }}
    group by dates.trade_date
),

others as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        desk_days.traders_count - 1 as others_count,
        desk_days.net_pnl - trader_days.net_pnl as others_net_pnl,
        desk_days.pnl_scale_20d - cast(trader_days.pnl_scale_20d as decimal(38, 8))
            as others_scale,
        desk_days.losing_traders_count
        - case when trader_days.net_pnl < 0 then 1 else 0 end as others_losing_count,
        desk_days.fills_count - trader_days.fills_count as others_fills_count,
        desk_days.mean_fills_20d - cast(trader_days.mean_fills_20d as decimal(38, 8))
            as others_mean_fills
    from trader_days
    inner join desk_days on trader_days.trade_date = desk_days.trade_date
),

final as (
    select
        ---------- keys
        others.trader_id,
        others.trade_date,
        ---------- the other traders of the desk
        cast(others.others_count as bigint) as others_traders_count,
        {{ safe_divide('others.others_net_pnl', 'others.others_scale') }}
            as others_net_pnl_scaled,
        {{ safe_divide('others.others_losing_count', 'others.others_count') }}
            as others_loss_ratio,
        {{ safe_divide('others.others_fills_count', 'others.others_mean_fills') }}
            as others_activity_ratio,
        ---------- calendar: Sunday is 0, on every engine
        cast({{ day_of_week('others.trade_date') }} as bigint) as day_of_week,
        cast(case when sessions.session_date is null then 0 else 1 end as bigint)
            as is_session,
        cast(case when sessions.is_early_close then 1 else 0 end as bigint)
            as is_early_close,
        cast(month_ends.sessions_to_month_end as bigint) as sessions_to_month_end,
        cast(
            case
                when
                    sessions.session_date is not null
                    and month_ends.sessions_to_month_end = 0 then 1
                else 0
            end as bigint
        ) as is_month_end
    from others
    inner join month_ends on others.trade_date = month_ends.trade_date
    left join sessions on others.trade_date = sessions.session_date
)

select * from final
