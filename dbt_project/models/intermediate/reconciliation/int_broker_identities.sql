{#
    Grain: one row per account, date and identity that the broker's own displayed
    figures break.
    The type rows of a date add up to the account's day; cash and end balance stand in
    one of them. Each displayed cell is off by half a cent at most, so an identity may
    be off by half a cent per cell that it adds up. It is tried only where all its
    parts are shown; the day before is the account's row before this one. Files list no
    adjustments, so that nothing can be said of the adjusted net there.
#}
with

broker_rows as (
    {{ current_rows(ref('stg_propreports__broker_days'), 'broker_days') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

adjustment_rows as (
    {{ current_rows(ref('stg_propreports__adjustments'), 'adjustments') }}
),

run_context as (
    select source_name from {{ ref('stg_propreports__run_context') }}
),

adjustments as (
    select
        accounts.account_id,
        adjustment_rows.trade_date,
        sum(adjustment_rows.adjustment_amount) as adjustments_amount,
        count(*) as adjustments_count
    from adjustment_rows
    inner join accounts on adjustment_rows.account_number = accounts.account_number
    where not adjustment_rows.is_transfer
    group by accounts.account_id, adjustment_rows.trade_date
),

days as (
    select
        accounts.account_id,
        broker_rows.trade_date,
        count(*) as type_rows_count,
        -- A part that one of the rows leaves blank makes the sum unknown.
        case when count(*) = count(broker_rows.gross_pnl) then sum(broker_rows.gross_pnl) end
            as gross_pnl,
        case when count(*) = count(broker_rows.total_fees) then sum(broker_rows.total_fees) end
            as total_fees,
        case
            when count(*) = count(broker_rows.fee_columns_amount)
                then sum(broker_rows.fee_columns_amount)
        end as fee_columns_amount,
        max(broker_rows.fee_columns_count) as fee_columns_count,
        case when count(*) = count(broker_rows.net_pnl) then sum(broker_rows.net_pnl) end
            as net_pnl,
        case
            when count(*) = count(broker_rows.adjusted_net_pnl)
                then sum(broker_rows.adjusted_net_pnl)
        end as adjusted_net_pnl,
        case
            when count(*) = count(broker_rows.unrealized_delta)
                then sum(broker_rows.unrealized_delta)
        end as unrealized_delta,
        case when count(*) = count(broker_rows.total_delta) then sum(broker_rows.total_delta) end
            as total_delta,
        case
            when count(*) = count(broker_rows.unrealized_pnl)
                then sum(broker_rows.unrealized_pnl)
        end as unrealized_pnl,
        sum(broker_rows.transfers_amount) as transfers_amount,
        sum(broker_rows.cash_amount) as cash_amount,
        sum(broker_rows.end_balance) as end_balance
    from broker_rows
    inner join accounts on broker_rows.account_number = accounts.account_number
    group by accounts.account_id, broker_rows.trade_date
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
