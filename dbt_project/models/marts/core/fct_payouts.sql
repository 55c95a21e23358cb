{#
    Grain: one row per trader and month, from the first one on whose last date has terms.
    The trader's part is rate x what the performance has gained above its watermark: the
    highest month's end so far where a loss is carried, else the end of the month before.
    Performance is the sum of total deltas since the terms began or the trader's accounts
    were reset, before fees where they are not deducted; money moved in or out is not in it.
    In the month of a reset what was gained until then is paid as well. Where anything since
    the watermark began is unknown, no payout is said: a day's total P&L
    (int_account_total_pnl says why), or a reset of some of the accounts.
    Source: PropReports' sample plans (net after fees, the deposit as watermark).
#}
with

equity_days as (
    select
        account_id,
        trade_date,
        total_delta,
        payouts_amount
    from {{ ref('fct_account_equity') }}
),

total_days as (
    select
        account_id,
        trader_id,
        trade_date,
        total_fees,
        unknown_reason
    from {{ ref('int_account_total_pnl') }}
    where is_in_desk_total
),

account_resets as (
    select
        account_id,
        reset_date
    from {{ ref('int_account_resets') }}
),

payout_terms as (
    select
        trader_id,
        valid_from,
        payout_rate,
        carries_loss,
        fees_deducted,
        coalesce(
            lead(valid_from) over (partition by trader_id order by valid_from),
            {{ max_date() }}
        ) as valid_to
    from {{ ref('stg_desk__payout_terms') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

account_days as (
    -- By the rule of total P&L: a session of which the fills are missing is one of its days.
    select
        total_days.trader_id,
        total_days.account_id,
        total_days.trade_date,
        cast({{ dbt.date_trunc('month', 'total_days.trade_date') }} as date) as month_start,
        coalesce(equity_days.total_delta, 0) as total_delta,
        coalesce(total_days.total_fees, 0) as total_fees,
        equity_days.payouts_amount,
        case when total_days.unknown_reason is null then 0 else 1 end as is_unknown
    from total_days
    left join equity_days
        on
            total_days.account_id = equity_days.account_id
            and total_days.trade_date = equity_days.trade_date
),

trader_accounts as (
    select
        trader_id,
        account_id,
        min(trade_date) as first_date
    from account_days
    group by trader_id, account_id
),

reset_dates as (
    select distinct
        trader_accounts.trader_id,
        account_resets.reset_date
    from trader_accounts
    inner join account_resets
        on
            trader_accounts.account_id = account_resets.account_id
            and trader_accounts.first_date < account_resets.reset_date
),

trader_resets as (
    -- Of an account that is not reset nobody can tell what of the watermark is its part.
    select
        reset_dates.trader_id,
        reset_dates.reset_date,
        count(*) = count(account_resets.account_id) as is_of_all
    from reset_dates
    inner join trader_accounts
        on
            reset_dates.trader_id = trader_accounts.trader_id
            and reset_dates.reset_date > trader_accounts.first_date
    left join account_resets
        on
            trader_accounts.account_id = account_resets.account_id
            and reset_dates.reset_date = account_resets.reset_date
    group by reset_dates.trader_id, reset_dates.reset_date
),

trader_dates as (
    select
        dates.trader_id,
        dates.trade_date,
        sum(case when trader_resets.is_of_all then 1 else 0 end) as resets_count,
        sum(case when not trader_resets.is_of_all then 1 else 0 end)
            as partial_resets_count
    from (
        select distinct
            trader_id,
            trade_date
        from account_days
    ) as dates
    left join trader_resets
        on
            dates.trader_id = trader_resets.trader_id
            and dates.trade_date >= trader_resets.reset_date
    group by dates.trader_id, dates.trade_date
),

spans as (
    -- A month, or the part of it before or after a reset.
    select
        account_days.trader_id,
        account_days.month_start,
        trader_dates.resets_count,
        sum(account_days.total_delta) as total_delta,
        sum(account_days.total_fees) as total_fees,
        -- Paid out is a booking below 0.
        -sum(account_days.payouts_amount) as paid_amount,
        sum(account_days.is_unknown) as unknown_days_count,
        max(trader_dates.partial_resets_count) as partial_resets_count
    from account_days
    inner join trader_dates
        on
            account_days.trader_id = trader_dates.trader_id
            and account_days.trade_date = trader_dates.trade_date
    group by account_days.trader_id, account_days.month_start, trader_dates.resets_count
),

spans_with_terms as (
    select
        spans.*,
        payout_terms.payout_rate,
        payout_terms.carries_loss,
        spans.total_delta
        + case when payout_terms.fees_deducted then 0 else spans.total_fees end
            as performance_delta
    from spans
    inner join payout_terms
        on
            spans.trader_id = payout_terms.trader_id
            and {{ dbt.last_day('spans.month_start', 'month') }} >= payout_terms.valid_from
            and {{ dbt.last_day('spans.month_start', 'month') }} < payout_terms.valid_to
),

spans_summed as (
    select
        *,
        sum(performance_delta) over since_reset as performance_amount,
        sum(unknown_days_count) over since_reset + partial_resets_count
            as unknown_to_date_count
    from spans_with_terms
    window since_reset as (
        partition by trader_id, resets_count order by month_start
        rows between unbounded preceding and current row
    )
),

spans_watermarked as (
    select
        *,
        case
            when carries_loss
                then greatest(coalesce(max(performance_amount) over spans_before, 0), 0)
            else performance_amount - performance_delta
        end as watermark_amount
    from spans_summed
    window spans_before as (
        partition by trader_id, resets_count order by month_start
        rows between unbounded preceding and 1 preceding
    )
),

spans_due as (
    select
        *,
        {{ to_cents('payout_rate * greatest(performance_amount - watermark_amount, 0)') }}
            as gain_amount
    from spans_watermarked
),

months as (
    select
        trader_id,
        month_start,
        max(payout_rate) as payout_rate,
        max_by(carries_loss, resets_count) as carries_loss,
        sum(total_delta) as total_delta,
        max_by(performance_amount, resets_count) as performance_amount,
        max_by(watermark_amount, resets_count) as watermark_amount,
        case when max(unknown_to_date_count) = 0 then sum(gain_amount) end as payout_amount,
        sum(paid_amount) as paid_amount,
        sum(unknown_days_count) as unknown_days_count,
        max(unknown_to_date_count) as unknown_to_date_count
    from spans_due
    group by trader_id, month_start
),

final as (
    select
        ---------- keys
        months.trader_id,
        months.month_start,
        ---------- terms
        months.payout_rate,
        months.carries_loss,
        ---------- money
        cast(months.total_delta as decimal(38, 8)) as total_delta,
        cast(months.performance_amount as decimal(38, 8)) as performance_amount,
        cast(months.watermark_amount as decimal(38, 8)) as watermark_amount,
        cast(months.payout_amount as decimal(38, 2)) as payout_amount,
        cast(months.total_delta - months.payout_amount as decimal(38, 8)) as firm_amount,
        cast(months.paid_amount as decimal(38, 8)) as paid_amount,
        ---------- what is not known
        cast(months.unknown_days_count as bigint) as unknown_days_count,
        cast(months.unknown_to_date_count as bigint) as unknown_to_date_count,
        ---------- flags
        {{ dbt.dateadd('month', 1, 'months.month_start') }} <= run_context.as_of_date
            as is_complete
    from months
    cross join run_context
)

select * from final
