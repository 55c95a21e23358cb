{#
    Grain: one row per trader and traded day D.
    The usual stop is the mean of the lowest points of the day's path over the trader's
    losing days among the 20 traded days before D, at least three of them; null without.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl
    from {{ ref('int_trader_days') }}
),

paths as (
    select
        trader_id,
        trade_date,
        trough_net_pnl
    from {{ ref('int_intraday_paths') }}
),

final as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        case
            when
                count(case when trader_days.net_pnl < 0 then 1 end) over previous_20 >= 3
                then
                    avg(
                        case
                            when trader_days.net_pnl < 0
                                then cast(paths.trough_net_pnl as double)
                        end
                    ) over previous_20
        end as usual_stop_pnl
    from trader_days
    inner join paths
        on
            trader_days.trader_id = paths.trader_id
            and trader_days.trade_date = paths.trade_date
    window previous_20 as (
        partition by trader_days.trader_id order by trader_days.trade_date
        rows between 20 preceding and 1 preceding
    )
)

select * from final
