{#
    The money and the open positions of an account's day are the sum over its symbols; a
    day that holds an adjustment alone has none.
#}
with

symbols as (
    select
        account_id,
        trade_date,
        sum(gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees,
        sum(case when position_quantity <> 0 then 1 else 0 end) as open_symbols_count,
        count(*) as symbols_count,
        count(gross_pnl) as gross_count,
        count(total_fees) as fees_count,
        count(unrealized_pnl) as marked_count,
        count(unrealized_delta) as delta_count,
        sum(unrealized_pnl) as unrealized_pnl,
        sum(unrealized_delta) as unrealized_delta
    from {{ ref('int_symbol_days') }}
    group by account_id, trade_date
),

days as (
    select
        account_id,
        trade_date,
        gross_pnl,
        total_fees,
        open_symbols_count,
        unrealized_pnl,
        unrealized_delta
    from {{ ref('daily_totals') }}
)

select
    coalesce(days.account_id, symbols.account_id) as account_id,
    coalesce(days.trade_date, symbols.trade_date) as trade_date
from days
full outer join symbols
    on days.account_id = symbols.account_id and days.trade_date = symbols.trade_date
where
    -- One symbol without an exchange rate makes the account's day unknown.
    days.gross_pnl is distinct from
    case
        when symbols.account_id is null then 0
        when symbols.symbols_count = symbols.gross_count then symbols.gross_pnl
    end
    or days.total_fees is distinct from
    case
        when symbols.account_id is null then 0
        when symbols.symbols_count = symbols.fees_count then symbols.total_fees
    end
    or days.open_symbols_count is distinct from coalesce(symbols.open_symbols_count, 0)
    -- One symbol without a mark makes the account's day unknown.
    or days.unrealized_pnl is distinct from
    case
        when symbols.account_id is null then 0
        when symbols.symbols_count = symbols.marked_count then symbols.unrealized_pnl
    end
    or days.unrealized_delta is distinct from
    case
        when symbols.account_id is null then 0
        when symbols.symbols_count = symbols.delta_count then symbols.unrealized_delta
    end
