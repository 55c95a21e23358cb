{#
    Grain: one row per trader and month from the first one whose last date has terms on.
    The trader's part is rate x what the performance has gained above its watermark: the
    highest month's end so far where a loss is carried, else the end of the month before.
    Performance is the sum of total deltas since the terms began or an account was reset
    (the month of a reset begins anew), before fees where they are not deducted; money
    moved in or out is not in it. Of a month since whose beginning anything is unknown, no
    payout is said.
    Source: PropReports' sample plans (net after fees, the deposit as watermark).
#}
with

equity_days as (
    select
        account_id,
        trader_id,
        trade_date,
        total_delta,
        payouts_amount
    from {{ ref('fct_account_equity') }}
),

daily_totals as (
    select
        account_id,
        trade_date,
        total_fees
    from {{ ref('daily_totals') }}
),

account_roles as (
    select
        account_id,
        is_in_desk_total,
        reset_date,
        valid_from,
        valid_to
    from {{ ref('int_account_roles') }}
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

months as (
    select
        equity_days.trader_id,
        cast({{ dbt.date_trunc('month', 'equity_days.trade_date') }} as date) as month_start,
        sum(coalesce(equity_days.total_delta, 0)) as total_delta,
        sum(coalesce(daily_totals.total_fees, 0)) as total_fees,
        -- Paid out is a booking below 0.
        -sum(equity_days.payouts_amount) as paid_amount,
        sum(case when equity_days.total_delta is null then 1 else 0 end)
            as unknown_days_count,
        max(
            case
                when
                    account_roles.reset_date <= equity_days.trade_date
                    and account_roles.reset_date
                    >= {{ dbt.date_trunc('month', 'equity_days.trade_date') }}
                    then 1
                else 0
            end
        ) as is_reset
    from equity_days
    inner join account_roles
        on
            equity_days.account_id = account_roles.account_id
            and equity_days.trade_date >= account_roles.valid_from
            and equity_days.trade_date < account_roles.valid_to
    left join daily_totals
        on
            equity_days.account_id = daily_totals.account_id
            and equity_days.trade_date = daily_totals.trade_date
    where account_roles.is_in_desk_total
    group by
        equity_days.trader_id,
        {{ dbt.date_trunc('month', 'equity_days.trade_date') }}
),

months_with_terms as (
    select
        months.*,
        payout_terms.payout_rate,
        payout_terms.carries_loss,
        months.total_delta
        + case when payout_terms.fees_deducted then 0 else months.total_fees end
            as performance_delta,
        sum(months.is_reset) over (
            partition by months.trader_id order by months.month_start
            rows between unbounded preceding and current row
        ) as resets_count
    from months
    inner join payout_terms
        on
            months.trader_id = payout_terms.trader_id
            and {{ dbt.last_day('months.month_start', 'month') }} >= payout_terms.valid_from
            and {{ dbt.last_day('months.month_start', 'month') }} < payout_terms.valid_to
),

months_summed as (
    select
        *,
        sum(performance_delta) over since_reset as performance_amount,
        sum(unknown_days_count) over since_reset as unknown_days_to_date_count
    from months_with_terms
    window since_reset as (
        partition by trader_id, resets_count order by month_start
        rows between unbounded preceding and current row
    )
),

months_watermarked as (
    select
        *,
        case
            when carries_loss
                then greatest(coalesce(max(performance_amount) over months_before, 0), 0)
            else performance_amount - performance_delta
        end as watermark_amount
    from months_summed
    window months_before as (
        partition by trader_id, resets_count order by month_start
        rows between unbounded preceding and 1 preceding
    )
),

months_due as (
    select
        *,
        case
            when unknown_days_to_date_count = 0
                then
                    {{ to_cents(
                        'payout_rate * greatest(performance_amount - watermark_amount, 0)'
                    ) }}
        end as payout_amount
    from months_watermarked
),

final as (
    select
        ---------- keys
        months_due.trader_id,
        months_due.month_start,
        ---------- terms
        months_due.payout_rate,
        months_due.carries_loss,
        ---------- money
        cast(months_due.total_delta as decimal(38, 8)) as total_delta,
        cast(months_due.performance_amount as decimal(38, 8)) as performance_amount,
        cast(months_due.watermark_amount as decimal(38, 8)) as watermark_amount,
        cast(months_due.payout_amount as decimal(38, 2)) as payout_amount,
        cast(months_due.total_delta - months_due.payout_amount as decimal(38, 8))
            as firm_amount,
        cast(months_due.paid_amount as decimal(38, 8)) as paid_amount,
        ---------- what is not known
        cast(months_due.unknown_days_count as bigint) as unknown_days_count,
        cast(months_due.unknown_days_to_date_count as bigint) as unknown_days_to_date_count,
        ---------- flags
        {{ dbt.dateadd('month', 1, 'months_due.month_start') }} <= run_context.as_of_date
            as is_complete
    from months_due
    cross join run_context
)

select * from final
