{#
    Grain: one row per account, date and identity that the broker's own displayed
    figures break.
    The type rows of a date add up to the account's day; cash and end balance stand in
    one of them. Each displayed cell is off by half a cent at most, so an identity may
    be off by half a cent per cell that it adds up. It is tried only where all its
    parts are shown; the day before is the account's row before this one.
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
        *,
        lag(cash_amount) over (
            partition by account_id order by trade_date
        ) as previous_cash_amount,
        lag(end_balance) over (
            partition by account_id order by trade_date
        ) as previous_end_balance
    from days
),

identities as (
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
