{{ config(meta={'planned_by': 'account_days'}) }}
{#
    Grain: one row per fill of the current version of each account's day, cancelled ones
    and those of unknown contract size included: they are excluded, and say so.
    What a fill realized and the path of the day are final only once the day is over.
#}
with

fills as (
    select * from {{ ref('int_fills_current') }}
),

fill_results as (
    select
        account_id,
        trade_date,
        fill_sequence,
        local_gross_pnl,
        realized_gross_pnl,
        cumulative_net_pnl
    from {{ ref('int_fill_results') }}
),

final as (
    select
        ---------- keys
        fills.account_id,
        fills.symbol,
        fills.fill_sequence,
        fills.trade_date,
        fills.calendar_date,
        fills.trader_id,
        fills.day_sequence,
        ---------- text
        fills.instrument_type,
        fills.side,
        fills.order_id,
        fills.fill_id,
        fills.propreports_id,
        fills.route,
        fills.liquidity,
        fills.fill_status,
        fills.currency,
        ---------- numbers
        fills.quantity,
        fills.signed_quantity,
        fills.price,
        fills.multiplier,
        fills.exchange_rate,
        ---------- money
        fills.notional,
        fills.total_fees,
        fill_results.local_gross_pnl,
        fill_results.realized_gross_pnl,
        fill_results.cumulative_net_pnl,
        ---------- flags
        fills.is_counted,
        fills.is_regular,
        fills.is_cancelled,
        fills.is_corporate_action,
        fills.has_fill_time,
        ---------- times
        fills.filled_at_et,
        {{ to_utc('fills.filled_at_et') }} as filled_at
    from fills
    left join fill_results
        on
            fills.account_id = fill_results.account_id
            and fills.trade_date = fill_results.trade_date
            and fills.fill_sequence = fill_results.fill_sequence
)

select * from final
