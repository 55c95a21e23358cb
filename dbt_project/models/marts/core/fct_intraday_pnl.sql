{#
    Grain: one row per trader and date with a counted fill.
    The path of the day's realized net P&L, each match booked at its later fill. Known
    only after the day: which fills match is final when the day is over.
#}
with

paths as (
    select * from {{ ref('int_intraday_paths') }}
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- numbers
        cast(fills_count as bigint) as fills_count,
        cast(untimed_fills_count as bigint) as untimed_fills_count,
        ---------- money
        cast(final_gross_pnl as decimal(38, 8)) as final_gross_pnl,
        cast(final_net_pnl as decimal(38, 8)) as final_net_pnl,
        cast(peak_net_pnl as decimal(38, 8)) as peak_net_pnl,
        cast(trough_net_pnl as decimal(38, 8)) as trough_net_pnl,
        cast(max_drawdown as decimal(38, 8)) as max_drawdown,
        cast(give_back as decimal(38, 8)) as give_back,
        ---------- times
        {{ to_utc('peak_at_et') }} as peak_at,
        {{ to_utc('trough_at_et') }} as trough_at,
        {{ to_utc('drawdown_at_et') }} as drawdown_at
    from paths
)

select * from final
