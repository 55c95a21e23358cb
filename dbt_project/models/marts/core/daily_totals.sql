{#
    Grain: one row per account and date with a counted fill, or with a position carried
    through a session.
    Realized P&L is intraday FIFO first, then overnight FIFO; each match counts on the
    date of its later fill. Fees count on the date of their fill.
#}
with

symbol_days as (
    select
        account_id,
        trade_date,
        position_quantity,
        gross_pnl,
        total_fees,
        unrealized_pnl,
        unrealized_delta
    from {{ ref('int_symbol_days') }}
),

fill_days as (
    select
        account_id,
        trade_date,
        orders_count,
        fills_count,
        quantity
    from {{ ref('int_account_day_fills') }}
),

adjustments as (
    {{ current_rows(ref('stg_propreports__adjustments'), 'adjustments') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

pnl_days as (
    select
        account_id,
        trade_date,
        sum(gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees,
        sum(case when position_quantity <> 0 then 1 else 0 end) as open_symbols_count,
        -- One unknown part makes the sum unknown.
        case when count(*) = count(unrealized_pnl) then sum(unrealized_pnl) end
            as unrealized_pnl,
        case when count(*) = count(unrealized_delta) then sum(unrealized_delta) end
            as unrealized_delta
    from symbol_days
    group by account_id, trade_date
),

adjustment_days as (
    select
        accounts.account_id,
        adjustments.trade_date,
        sum(adjustments.adjustment_amount) as adjustments_amount
    from adjustments
    inner join accounts on adjustments.account_number = accounts.account_number
    where not adjustments.is_transfer
    group by accounts.account_id, adjustments.trade_date
),

totals as (
    select
        pnl_days.account_id,
        account_traders.trader_id,
        pnl_days.trade_date,
        cast(coalesce(fill_days.orders_count, 0) as bigint) as orders_count,
        cast(coalesce(fill_days.fills_count, 0) as bigint) as fills_count,
        cast(pnl_days.open_symbols_count as bigint) as open_symbols_count,
        cast(coalesce(fill_days.quantity, 0) as decimal(38, 8)) as quantity,
        cast(pnl_days.gross_pnl as decimal(38, 8)) as gross_pnl,
        cast(pnl_days.total_fees as decimal(38, 8)) as total_fees,
        cast(pnl_days.gross_pnl - pnl_days.total_fees as decimal(38, 8)) as net_pnl,
        cast(coalesce(adjustment_days.adjustments_amount, 0) as decimal(38, 8))
            as adjustments_amount,
        cast(pnl_days.unrealized_pnl as decimal(38, 8)) as unrealized_pnl,
        cast(pnl_days.unrealized_delta as decimal(38, 8)) as unrealized_delta
    from pnl_days
    inner join account_traders
        on
            pnl_days.account_id = account_traders.account_id
            and pnl_days.trade_date >= account_traders.valid_from
            and pnl_days.trade_date < account_traders.valid_to
    left join fill_days
        on
            pnl_days.account_id = fill_days.account_id
            and pnl_days.trade_date = fill_days.trade_date
    left join adjustment_days
        on
            pnl_days.account_id = adjustment_days.account_id
            and pnl_days.trade_date = adjustment_days.trade_date
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        trade_date,
        ---------- numbers
        orders_count,
        fills_count,
        open_symbols_count,
        quantity,
        ---------- money
        gross_pnl,
        total_fees,
        net_pnl,
        adjustments_amount,
        unrealized_pnl,
        unrealized_delta,
        cast(net_pnl + adjustments_amount + unrealized_delta as decimal(38, 8))
            as total_delta
    from totals
)

select * from final
