{#
    Grain: one row per trader and traded day D.
    The usual stop is the mean of the lowest points of the day's path over the trader's
    losing days among the 20 traded days before D, at least three of them; null without.
#}
with

paths as (
    -- A date without a regular fill is no traded day.
    select
        trader_id,
        trade_date,
        final_net_pnl,
        trough_net_pnl
    from {{ ref('int_intraday_paths') }}
    where fills_count > 0
),

final as (
    select
        trader_id,
        trade_date,
        case
            when count(case when final_net_pnl < 0 then 1 end) over previous_20 >= 3
                then
                    avg(
                        case when final_net_pnl < 0 then cast(trough_net_pnl as double) end
                    ) over previous_20
        end as usual_stop_pnl
    from paths
    window previous_20 as (
        partition by trader_id order by trade_date
        rows between 20 preceding and 1 preceding
    )
)

select * from final
