{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and date with a counted fill.
    The cost of an open position is what was paid for everything so far, less what was
    got for it, plus the gross realized: an identity of any lot method, so open lots
    need not be enumerated. The last row before what is planned carries position and cost on.
#}
with

planned_symbols as (
    select
        account_id,
        symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

fill_days as (
    {{ planned_rows(ref('int_symbol_day_fills'), 'symbols') }}
),

overnight_days as (
    select
        account_id,
        symbol,
        closed_date as trade_date,
        sum(gross_pnl) as overnight_gross_pnl
    from {{ ref('int_overnight_lot_matches') }}
    where closed_date >= {{ first_built_date() }}
    group by account_id, symbol, closed_date
),

previous_results as (
    select * from {{ previous_rows({
        'account_id': 'varchar(100)',
        'symbol': 'varchar(100)',
        'trade_date': 'date',
        'position_quantity': 'decimal(38, 8)',
        'open_cost': 'decimal(38, 8)',
    }) }}
),

carried as (
    select
        previous_results.account_id,
        previous_results.symbol,
        max_by(previous_results.position_quantity, previous_results.trade_date)
            as position_quantity,
        max_by(previous_results.open_cost, previous_results.trade_date) as open_cost
    from previous_results
    inner join planned_symbols
        on
            previous_results.account_id = planned_symbols.account_id
            and previous_results.symbol = planned_symbols.symbol
            and previous_results.trade_date < planned_symbols.first_date
    group by previous_results.account_id, previous_results.symbol
),

realized_days as (
    select
        fill_days.*,
        coalesce(overnight_days.overnight_gross_pnl, 0) as overnight_gross_pnl,
        coalesce(carried.position_quantity, 0) as carried_quantity,
        coalesce(carried.open_cost, 0) as carried_cost
    from fill_days
    left join overnight_days
        on
            fill_days.account_id = overnight_days.account_id
            and fill_days.symbol = overnight_days.symbol
            and fill_days.trade_date = overnight_days.trade_date
    left join carried
        on
            fill_days.account_id = carried.account_id
            and fill_days.symbol = carried.symbol
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        ---------- position before and after the date
        multiplier,
        cast(
            carried_quantity - signed_quantity + sum(signed_quantity) over symbol_so_far
            as decimal(38, 8)
        ) as opening_quantity,
        cast(
            carried_quantity + sum(signed_quantity) over symbol_so_far as decimal(38, 8)
        ) as position_quantity,
        cast(
            carried_cost
            + sum(paid_amount + intraday_gross_pnl + overnight_gross_pnl) over symbol_so_far
            as decimal(38, 8)
        ) as open_cost,
        ---------- money
        intraday_gross_pnl,
        cast(overnight_gross_pnl as decimal(38, 8)) as overnight_gross_pnl,
        total_fees
    from realized_days
    window symbol_so_far as (
        partition by account_id, symbol order by trade_date
        rows between unbounded preceding and current row
    )
)

select * from final
