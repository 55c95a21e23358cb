{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per counted fill: what was realized at it, and what the position in its
    symbol was worth before and after it.
    A match counts at the later of its two fills, at that date's exchange rate; fees at their
    fill. After an unknown amount the path is unknown. The path is the
    running net P&L of the trader's day; the day's matching is final only when the day
    is over, so nothing here may be used during the day.
    Had the trader stopped after a fill, the day would be better by the sum of the later
    fills' steps (int_fills_matched).
    What is held is worth what the account's own last fill in it says; the day begins with
    what is held. A fill at a price of zero leaves the price as it was; without any price it is
    unknown.
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

symbol_days as (
    select
        account_id,
        symbol,
        trade_date,
        opening_quantity
    from {{ ref('int_symbol_day_results') }}
    where trade_date >= {{ first_built_date() }}
),

symbol_prices as (
    select
        account_id,
        symbol,
        trade_date,
        opening_unit_price
    from {{ ref('int_symbol_day_prices') }}
    where trade_date >= {{ first_built_date() }}
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
        coalesce(realized_summed.realized_gross_pnl, 0) as local_gross_pnl,
        symbol_days.opening_quantity + fills.day_quantity_after as quantity_after,
        coalesce(
            fills.price_before,
            {{ in_units('symbol_prices.opening_unit_price', 'fills.units_per_share') }}
        ) as known_price
    from fills
    inner join symbol_days
        on
            fills.account_id = symbol_days.account_id
            and fills.symbol = symbol_days.symbol
            and fills.trade_date = symbol_days.trade_date
    inner join symbol_prices
        on
            fills.account_id = symbol_prices.account_id
            and fills.symbol = symbol_prices.symbol
            and fills.trade_date = symbol_prices.trade_date
    left join realized_summed
        on
            fills.account_id = realized_summed.account_id
            and fills.fill_sequence = realized_summed.fill_sequence
),

results_in_base as (
    select
        *,
        {{ in_base('local_gross_pnl', 'exchange_rate') }} as realized_gross_pnl,
        quantity_after - case when is_buy then quantity else -quantity end as quantity_before
    from results
),

results_valued as (
    select
        *,
        {{ exposure_of('quantity_before', 'known_price', 'multiplier', 'exchange_rate') }}
            as exposure_before,
        {{ exposure_of(
            'quantity_after', 'coalesce(nullif(price, 0), known_price)', 'multiplier',
            'exchange_rate',
        ) }} as exposure_after
    from results_in_base
),

paths as (
    -- One order and one partition for all of them: DuckDB sorts once. Running sums are what
    -- costs, so what is unknown is looked for in the whole day.
    select
        *,
        sum(realized_gross_pnl - total_fees) over (
            partition by trader_id, trade_date order by day_sequence
            rows between unbounded preceding and current row
        ) as path_net_pnl,
        min(case when realized_gross_pnl - total_fees is null then day_sequence end)
            over whole_day as unknown_from,
        max(case when stop_step is null then 1 else 0 end) over whole_day as is_step_unknown,
        sum(stop_step) over day_ahead as steps_ahead,
        sum(replaced_step) over day_ahead as replaced_ahead
    from results_valued
    window
        day_ahead as (
            partition by trader_id, trade_date order by day_sequence
            rows between 1 following and unbounded following
        ),
        whole_day as (
            partition by trader_id, trade_date order by day_sequence
            rows between unbounded preceding and unbounded following
        )
),

paths_known as (
    select
        *,
        case
            when coalesce(day_sequence < unknown_from, true)
                then cast(path_net_pnl as decimal(38, 8))
        end as cumulative_net_pnl
    from paths
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
        symbol_day_sequence,
        ---------- numbers
        quantity_before,
        quantity_after,
        ---------- money
        exposure_before,
        exposure_after,
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
        case when is_step_unknown = 0 then cast(coalesce(steps_ahead, 0) as decimal(38, 8)) end
            as stop_effect,
        case when is_step_unknown = 0 then cast(coalesce(replaced_ahead, 0) as decimal(38, 8)) end
            as replaced_notional,
        ---------- flags
        is_regular,
        has_fill_time,
        ---------- times
        filled_at_et
    from paths_known
)

select * from final
