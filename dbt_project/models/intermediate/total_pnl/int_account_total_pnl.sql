{#
    Grain: one row per account and date of the equity ledger, and per session of which it
    is not known what the account made.
    Total P&L is net, adjustments and unrealized delta; it is null where one of them is
    unknown, or what an adjustment is, and unknown_reason says why: the first that fits.
#}
with

equity_days as (
    select
        account_id,
        trade_date,
        net_pnl,
        adjustments_amount,
        payouts_amount,
        unrealized_delta,
        total_delta
    from {{ ref('fct_account_equity') }}
),

daily_totals as (
    select
        account_id,
        trade_date,
        gross_pnl,
        total_fees,
        stale_marks_count,
        oldest_mark_age_sessions_count
    from {{ ref('daily_totals') }}
),

unmapped_days as (
    select distinct
        account_id,
        trade_date
    from {{ ref('int_adjustments') }}
    where adjustment_class = 'unknown'
),

spans as (
    select
        account_id,
        unknown_from,
        unknown_until,
        unknown_reason
    from {{ ref('int_unknown_trading_spans') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        is_in_desk_total,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

bounds as (
    select
        run_context.as_of_date,
        min(equity_days.trade_date) as first_date
    from run_context
    cross join equity_days
    group by run_context.as_of_date
),

sessions_known as (
    select sessions.session_date
    from sessions
    inner join bounds
        on
            sessions.session_date >= bounds.first_date
            and sessions.session_date < bounds.as_of_date
),

account_days as (
    select
        account_id,
        trade_date
    from equity_days
    union
    -- What is missing is not idle.
    select
        spans.account_id,
        sessions_known.session_date as trade_date
    from spans
    inner join sessions_known
        on
            spans.unknown_from <= sessions_known.session_date
            and spans.unknown_until >= sessions_known.session_date
    union
    select
        account_id,
        unknown_from as trade_date
    from spans
    where unknown_from = unknown_until
),

span_days as (
    select
        account_days.account_id,
        account_days.trade_date,
        max(spans.unknown_reason) as unknown_reason
    from account_days
    inner join spans
        on
            account_days.account_id = spans.account_id
            and account_days.trade_date >= spans.unknown_from
            and account_days.trade_date <= spans.unknown_until
    group by account_days.account_id, account_days.trade_date
),

days_joined as (
    select
        account_days.account_id,
        account_traders.trader_id,
        account_days.trade_date,
        account_traders.is_in_desk_total,
        -- Without a row there was none; without an exchange rate it is unknown.
        case when daily_totals.account_id is null then 0 else daily_totals.gross_pnl end
            as gross_pnl,
        case when daily_totals.account_id is null then 0 else daily_totals.total_fees end
            as total_fees,
        case when equity_days.account_id is null then 0 else equity_days.net_pnl end
            as net_pnl,
        equity_days.adjustments_amount,
        equity_days.unrealized_delta,
        equity_days.total_delta,
        coalesce(daily_totals.stale_marks_count, 0) as stale_marks_count,
        daily_totals.oldest_mark_age_sessions_count,
        span_days.account_id is null as is_realised_known,
        case
            when span_days.account_id is not null then span_days.unknown_reason
            when unmapped_days.account_id is not null then 'unmapped_adjustment'
            when equity_days.adjustments_amount is null then 'adjustments_unknown'
            when equity_days.payouts_amount is null and equity_days.adjustments_amount <> 0
                then 'payouts_not_told_apart'
            when equity_days.unrealized_delta is null then 'no_mark'
        end as unknown_reason
    from account_days
    inner join account_traders
        on
            account_days.account_id = account_traders.account_id
            and account_days.trade_date >= account_traders.valid_from
            and account_days.trade_date < account_traders.valid_to
    left join equity_days
        on
            account_days.account_id = equity_days.account_id
            and account_days.trade_date = equity_days.trade_date
    left join daily_totals
        on
            account_days.account_id = daily_totals.account_id
            and account_days.trade_date = daily_totals.trade_date
    left join unmapped_days
        on
            account_days.account_id = unmapped_days.account_id
            and account_days.trade_date = unmapped_days.trade_date
    left join span_days
        on
            account_days.account_id = span_days.account_id
            and account_days.trade_date = span_days.trade_date
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        trade_date,
        ---------- text
        unknown_reason,
        ---------- numbers
        stale_marks_count,
        oldest_mark_age_sessions_count,
        ---------- money
        gross_pnl,
        total_fees,
        net_pnl,
        adjustments_amount,
        unrealized_delta,
        case when unknown_reason is null then total_delta end as total_pnl,
        ---------- flags
        is_in_desk_total,
        is_realised_known
    from days_joined
)

select * from final
