{#
    Grain: one row per account, date and identity that the broker's own displayed
    figures break, in the account's currency.
    Each displayed cell is off by half a cent at most, so an identity may
    be off by half a cent per cell that it adds up. It is tried only where all its
    parts are shown; the day before is the account's row before this one. Files list no
    adjustments, so that nothing can be said of the adjusted net there.
#}
with

days as (
    select * from {{ ref('int_broker_days') }}
),

run_context as (
    select source_name from {{ ref('stg_propreports__run_context') }}
),

adjustments as (
    select
        account_id,
        trade_date,
        sum(local_amount) as adjustments_amount,
        count(*) as adjustments_count
    from {{ ref('int_adjustments') }}
    where adjustment_class <> 'transfer'
    group by account_id, trade_date
),

days_chained as (
    select
        days.*,
        case
            when run_context.source_name <> 'files'
                then coalesce(adjustments.adjustments_amount, 0)
        end as adjustments_amount,
        coalesce(adjustments.adjustments_count, 0) as adjustments_count,
        lag(days.cash_amount) over (
            partition by days.account_id order by days.trade_date
        ) as previous_cash_amount,
        lag(days.end_balance) over (
            partition by days.account_id order by days.trade_date
        ) as previous_end_balance
    from days
    cross join run_context
    left join adjustments
        on
            days.account_id = adjustments.account_id
            and days.trade_date = adjustments.trade_date
),

identities as (
    select
        account_id,
        trade_date,
        'trade_fees' as identity_name,
        total_fees as displayed_amount,
        fee_columns_amount as expected_amount,
        (1 + fee_columns_count) * type_rows_count as cells_count
    from days_chained
    union all
    select
        account_id,
        trade_date,
        'adjusted_net' as identity_name,
        adjusted_net_pnl as displayed_amount,
        net_pnl + adjustments_amount as expected_amount,
        2 * type_rows_count + adjustments_count as cells_count
    from days_chained
    union all
    select
        account_id,
        trade_date,
        'net' as identity_name,
        net_pnl as displayed_amount,
        gross_pnl - total_fees as expected_amount,
        3 * type_rows_count as cells_count
    from days_chained
    union all
    select
        account_id,
        trade_date,
        'total_delta' as identity_name,
        total_delta as displayed_amount,
        adjusted_net_pnl + unrealized_delta as expected_amount,
        3 * type_rows_count as cells_count
    from days_chained
    union all
    select
        account_id,
        trade_date,
        'end_balance' as identity_name,
        end_balance as displayed_amount,
        cash_amount + unrealized_pnl as expected_amount,
        2 + type_rows_count as cells_count
    from days_chained
    union all
    select
        account_id,
        trade_date,
        'cash_carried' as identity_name,
        cash_amount as displayed_amount,
        previous_cash_amount + adjusted_net_pnl + transfers_amount as expected_amount,
        3 + type_rows_count as cells_count
    from days_chained
    union all
    select
        account_id,
        trade_date,
        'end_balance_carried' as identity_name,
        end_balance as displayed_amount,
        previous_end_balance + total_delta + transfers_amount as expected_amount,
        3 + type_rows_count as cells_count
    from days_chained
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        identity_name,
        ---------- money
        cast(displayed_amount as decimal(38, 8)) as displayed_amount,
        cast(expected_amount as decimal(38, 8)) as expected_amount,
        cast(displayed_amount - expected_amount as decimal(38, 8)) as difference_amount,
        cast({{ var('displayed_rounding') }} * cells_count as decimal(38, 8))
            as tolerated_amount
    from identities
    where
        abs(displayed_amount - expected_amount)
        > {{ var('displayed_rounding') }} * cells_count
)

select * from final
