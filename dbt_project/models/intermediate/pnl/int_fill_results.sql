{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per counted fill: what was realized at it.
    A match counts at the later of its two fills, at that date's exchange rate; fees at their
    fill. After an unknown amount the path is unknown. The path is the
    running net P&L of the trader's day; the day's matching is final only when the day
    is over, so nothing here may be used during the day.
    Had the trader stopped after a fill, the day would be better by the sum of the later
    fills' steps (int_fills_matched).
#}
with

fills as (
    {{ planned_rows(ref('int_fills_matched'), 'trader_days') }}
),

realized as (
    select
        account_id,
        greatest(buy_sequence, sell_sequence) as fill_sequence,
        gross_pnl
    from {{ ref('int_intraday_lot_matches') }}
    where trade_date >= {{ first_built_date() }}
    union all
    select
        account_id,
        closing_sequence as fill_sequence,
        gross_pnl
    from {{ ref('int_overnight_lot_matches') }}
    where closed_date >= {{ first_built_date() }}
),

realized_summed as (
    select
        account_id,
        fill_sequence,
        cast(sum(gross_pnl) as decimal(38, 8)) as realized_gross_pnl
    from realized
    group by account_id, fill_sequence
),

results as (
    select
        fills.*,
        coalesce(realized_summed.realized_gross_pnl, 0) as local_gross_pnl
    from fills
    left join realized_summed
        on
            fills.account_id = realized_summed.account_id
            and fills.fill_sequence = realized_summed.fill_sequence
),

results_in_base as (
    select
        *,
        {{ in_base('local_gross_pnl', 'exchange_rate') }} as realized_gross_pnl
    from results
),

paths as (
    -- One order and one partition for all of them: DuckDB sorts once.
    select
        *,
        case
            when count(*) over day_so_far = count(realized_gross_pnl - total_fees) over day_so_far
                then
                    cast(
                        sum(realized_gross_pnl - total_fees) over day_so_far
                        as decimal(38, 8)
                    )
        end as cumulative_net_pnl,
        case
            when count(stop_step) over whole_day = count(*) over whole_day
                then
                    cast(sum(stop_step) over whole_day as decimal(30, 8))
                    - cast(sum(stop_step) over day_so_far as decimal(30, 8))
        end as stop_effect,
        cast(sum(replaced_step) over whole_day as decimal(30, 8))
        - cast(sum(replaced_step) over day_so_far as decimal(30, 8)) as replaced_notional
    from results_in_base
    window
        day_so_far as (
            partition by trader_id, trade_date order by day_sequence
            rows between unbounded preceding and current row
        ),
        whole_day as (
            partition by trader_id, trade_date order by day_sequence
            rows between unbounded preceding and unbounded following
        )
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        ---------- money
        total_fees,
        local_gross_pnl,
        realized_gross_pnl,
        cumulative_net_pnl,
        cast(
            greatest(
                max(cumulative_net_pnl) over (
                    partition by trader_id, trade_date order by day_sequence
                    rows between unbounded preceding and current row
                ),
                0
            ) as decimal(38, 8)
        ) as running_peak_net_pnl,
        cast(stop_effect as decimal(38, 8)) as stop_effect,
        case when stop_effect is not null then cast(replaced_notional as decimal(38, 8)) end
            as replaced_notional,
        ---------- flags
        is_regular,
        has_fill_time,
        ---------- times
        filled_at_et
    from paths
)

select * from final
