{#
    Grain: one row per account and date with a counted fill, with a position carried
    through a session, or with an adjustment.
    Realized P&L is intraday FIFO first, then overnight FIFO; each match counts on the
    date of its later fill. Fees count on the date of their fill. Payouts and transfers are
    no P&L. Amounts are in the base currency, at the exchange rates of the date; one that has
    no rate makes them null: unconverted_symbols_count says of how many symbols. What an account is (account_role) decides whether it is in a total of the desk:
    masters, house, error and demo accounts are not. Where a source lists no adjustments (files), they are what the broker's summary
    shows between net and adjusted net, and unknown where it shows neither.
#}
with

symbol_days as (
    select
        account_id,
        trade_date,
        position_quantity,
        mark_age_sessions_count,
        exchange_rate,
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
    select
        account_id,
        trade_date,
        adjustment_class,
        is_pnl,
        adjustment_amount
    from {{ ref('int_adjustments') }}
),

broker_days as (
    select
        account_id,
        trade_date,
        {{ in_base('(adjusted_net_pnl - net_pnl)', 'exchange_rate') }} as adjustments_amount
    from {{ ref('int_broker_days') }}
),

run_context as (
    select source_name from {{ ref('stg_propreports__run_context') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        account_role,
        is_in_desk_total,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

pnl_days as (
    select
        account_id,
        trade_date,
        -- One unknown part makes the sum unknown.
        {{ sum_if_known('gross_pnl') }} as gross_pnl,
        {{ sum_if_known('total_fees') }} as total_fees,
        {{ count_where(
            'gross_pnl is null or total_fees is null '
            ~ 'or (position_quantity <> 0 and exchange_rate is null)'
        ) }} as unconverted_symbols_count,
        sum(case when position_quantity <> 0 then 1 else 0 end) as open_symbols_count,
        sum(
            case when position_quantity <> 0 and mark_age_sessions_count > 0 then 1 else 0 end
        ) as stale_marks_count,
        max(
            case
                when position_quantity <> 0 and mark_age_sessions_count > 0
                    then mark_age_sessions_count
            end
        ) as oldest_mark_age_sessions_count,
        {{ sum_if_known('unrealized_pnl') }} as unrealized_pnl,
        {{ sum_if_known('unrealized_delta') }} as unrealized_delta
    from symbol_days
    group by account_id, trade_date
),

adjustment_days as (
    select
        account_id,
        trade_date,
        count(*) = count(adjustment_amount) as is_known,
        sum(case when is_pnl then adjustment_amount else 0 end) as adjustments_amount,
        sum(case when adjustment_class = 'payout' then adjustment_amount else 0 end)
            as payouts_amount,
        sum(case when adjustment_class = 'transfer' then adjustment_amount else 0 end)
            as transfers_amount
    from adjustments
    group by account_id, trade_date
),

account_days as (
    select
        account_id,
        trade_date
    from pnl_days
    union
    select
        account_id,
        trade_date
    from adjustment_days
    union
    -- Files list no adjustments; where the broker's summary shows some, they count.
    select
        broker_days.account_id,
        broker_days.trade_date
    from broker_days
    cross join run_context
    where run_context.source_name = 'files' and broker_days.adjustments_amount <> 0
),

totals as (
    select
        account_days.account_id,
        account_traders.trader_id,
        account_days.trade_date,
        account_traders.account_role,
        account_traders.is_in_desk_total,
        cast(coalesce(fill_days.orders_count, 0) as bigint) as orders_count,
        cast(coalesce(fill_days.fills_count, 0) as bigint) as fills_count,
        cast(coalesce(pnl_days.open_symbols_count, 0) as bigint) as open_symbols_count,
        cast(coalesce(pnl_days.stale_marks_count, 0) as bigint) as stale_marks_count,
        cast(pnl_days.oldest_mark_age_sessions_count as bigint)
            as oldest_mark_age_sessions_count,
        cast(coalesce(pnl_days.unconverted_symbols_count, 0) as bigint)
            as unconverted_symbols_count,
        cast(coalesce(fill_days.quantity, 0) as decimal(38, 8)) as quantity,
        -- Who neither traded nor held anything has no P&L.
        cast(
            case when pnl_days.account_id is null then 0 else pnl_days.gross_pnl end
            as decimal(38, 8)
        ) as gross_pnl,
        cast(
            case when pnl_days.account_id is null then 0 else pnl_days.total_fees end
            as decimal(38, 8)
        ) as total_fees,
        cast(
            case
                when pnl_days.account_id is null then 0
                else pnl_days.gross_pnl - pnl_days.total_fees
            end as decimal(38, 8)
        ) as net_pnl,
        cast(
            case
                when run_context.source_name = 'files' then broker_days.adjustments_amount
                when adjustment_days.account_id is null then 0
                when adjustment_days.is_known then adjustment_days.adjustments_amount
            end as decimal(38, 8)
        ) as adjustments_amount,
        cast(
            case
                when run_context.source_name = 'files' then null
                when adjustment_days.account_id is null then 0
                when adjustment_days.is_known then adjustment_days.payouts_amount
            end as decimal(38, 8)
        ) as payouts_amount,
        cast(
            case
                when run_context.source_name = 'files' then null
                when adjustment_days.account_id is null then 0
                when adjustment_days.is_known then adjustment_days.transfers_amount
            end as decimal(38, 8)
        ) as transfers_amount,
        -- Who holds nothing has nothing unrealized.
        cast(
            case when pnl_days.account_id is null then 0 else pnl_days.unrealized_pnl end
            as decimal(38, 8)
        ) as unrealized_pnl,
        cast(
            case when pnl_days.account_id is null then 0 else pnl_days.unrealized_delta end
            as decimal(38, 8)
        ) as unrealized_delta
    from account_days
    cross join run_context
    inner join account_traders
        on
            account_days.account_id = account_traders.account_id
            and account_days.trade_date >= account_traders.valid_from
            and account_days.trade_date < account_traders.valid_to
    left join pnl_days
        on
            account_days.account_id = pnl_days.account_id
            and account_days.trade_date = pnl_days.trade_date
    left join fill_days
        on
            account_days.account_id = fill_days.account_id
            and account_days.trade_date = fill_days.trade_date
    left join adjustment_days
        on
            account_days.account_id = adjustment_days.account_id
            and account_days.trade_date = adjustment_days.trade_date
    left join broker_days
        on
            account_days.account_id = broker_days.account_id
            and account_days.trade_date = broker_days.trade_date
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        trade_date,
        ---------- text
        account_role,
        ---------- flags
        is_in_desk_total,
        ---------- numbers
        orders_count,
        fills_count,
        open_symbols_count,
        stale_marks_count,
        oldest_mark_age_sessions_count,
        unconverted_symbols_count,
        quantity,
        ---------- money
        gross_pnl,
        total_fees,
        net_pnl,
        adjustments_amount,
        payouts_amount,
        transfers_amount,
        unrealized_pnl,
        unrealized_delta,
        cast(net_pnl + adjustments_amount + unrealized_delta as decimal(38, 8))
            as total_delta,
        ---------- flags
        fills_count > 0 as is_traded_day
    from totals
)

select * from final
