{#
    Grain: one row per account and date that either our fills or the broker's daily
    summary knows.
    The summary shows cents and prices of four digits, so a gross may differ by half a
    unit of the fourth digit per share, and by a cent for the display; fees by three
    cents, whatever was traded.
#}
with

daily_totals as (
    select
        account_id,
        trade_date,
        fills_count,
        quantity,
        gross_pnl,
        total_fees,
        net_pnl
    from {{ ref('daily_totals') }}
    where fills_count > 0 or gross_pnl <> 0 or total_fees <> 0
),

broker_rows as (
    {{ current_rows(ref('stg_propreports__broker_days'), 'broker_days') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

fills as (
    select
        account_id,
        trade_date,
        quantity,
        multiplier
    from {{ ref('int_fills_current') }}
    where is_counted
),

contract_units as (
    select
        account_id,
        trade_date,
        sum(cast(quantity as double) * cast(multiplier as double)) as traded_units
    from fills
    group by account_id, trade_date
),

broker_days as (
    select
        accounts.account_id,
        broker_rows.trade_date,
        sum(broker_rows.fills_count) as fills_count,
        sum(broker_rows.gross_pnl) as gross_pnl,
        sum(broker_rows.total_fees) as total_fees,
        sum(broker_rows.net_pnl) as net_pnl
    from broker_rows
    inner join accounts on broker_rows.account_number = accounts.account_number
    group by accounts.account_id, broker_rows.trade_date
    -- A day that only a position's mark or an adjustment moved has nothing to compare.
    having
        coalesce(sum(broker_rows.fills_count), 0) <> 0
        or sum(broker_rows.gross_pnl) <> 0
        or sum(broker_rows.net_pnl) <> 0
),

summarised_accounts as (
    select distinct account_id from broker_days
),

compared as (
    select
        coalesce(daily_totals.account_id, broker_days.account_id) as account_id,
        coalesce(daily_totals.trade_date, broker_days.trade_date) as trade_date,
        daily_totals.fills_count,
        broker_days.fills_count as broker_fills_count,
        daily_totals.gross_pnl,
        broker_days.gross_pnl as broker_gross_pnl,
        daily_totals.total_fees,
        broker_days.total_fees as broker_total_fees,
        daily_totals.net_pnl,
        broker_days.net_pnl as broker_net_pnl,
        daily_totals.account_id is null as is_missing_here,
        broker_days.account_id is null as is_missing_at_broker,
        summarised_accounts.account_id is null as lacks_summary,
        -- Where no fees are shown, gross less net tells them.
        coalesce(broker_days.total_fees, broker_days.gross_pnl - broker_days.net_pnl)
            as broker_implied_fees,
        0.01 + coalesce(contract_units.traded_units, 0)
        * {{ var('price_rounding_per_share') }} as gross_tolerance
    from daily_totals
    full outer join broker_days
        on
            daily_totals.account_id = broker_days.account_id
            and daily_totals.trade_date = broker_days.trade_date
    left join contract_units
        on
            daily_totals.account_id = contract_units.account_id
            and daily_totals.trade_date = contract_units.trade_date
    left join summarised_accounts
        on
            coalesce(daily_totals.account_id, broker_days.account_id)
            = summarised_accounts.account_id
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        ---------- verdict
        case
            when lacks_summary then 'no_summary'
            when is_missing_here then 'missing_here'
            when is_missing_at_broker then 'missing_at_broker'
            when broker_gross_pnl is null or broker_net_pnl is null then 'not_comparable'
            when fills_count <> broker_fills_count then 'fills_differ'
            when abs(cast(gross_pnl - broker_gross_pnl as double)) > gross_tolerance
                then 'gross_differs'
            when abs(total_fees - broker_implied_fees) > {{ var('fees_rounding') }}
                then 'fees_differ'
            else 'within_rounding'
        end as comparison,
        ---------- numbers
        fills_count,
        cast(broker_fills_count as bigint) as broker_fills_count,
        ---------- money
        gross_pnl,
        cast(broker_gross_pnl as decimal(38, 8)) as broker_gross_pnl,
        cast(gross_pnl - broker_gross_pnl as decimal(38, 8)) as gross_difference,
        total_fees,
        cast(broker_total_fees as decimal(38, 8)) as broker_total_fees,
        cast(total_fees - broker_total_fees as decimal(38, 8)) as fees_difference,
        net_pnl,
        cast(broker_net_pnl as decimal(38, 8)) as broker_net_pnl,
        cast(net_pnl - broker_net_pnl as decimal(38, 8)) as net_difference
    from compared
)

select * from final
