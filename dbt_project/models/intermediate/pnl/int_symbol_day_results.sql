{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and date with a counted fill, or on which its book
    ended (an expiry closes what is open). P&L and cost are of the instrument's currency,
    fees of the base currency.
    The cost of an open position is what was paid for everything so far, less what was
    got for it, plus the gross realized: an identity of any lot method, so open lots
    need not be enumerated. The last row before what is planned carries position and cost on.
#}
with

planned_symbols as (
    select
        account_id,
        book_symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

fill_days as (
    {{ planned_rows(ref('int_symbol_day_fills'), 'symbols') }}
),

closed_lots as (
    {{ planned_rows(
        ref('int_overnight_lot_matches'), 'symbols', date_column='closed_date'
    ) }}
),

books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share,
        closing_date
    from {{ ref('int_symbol_books') }}
),

overnight_days as (
    -- What an expiry closes has no fill: it is got for its closing price.
    select
        account_id,
        book_symbol,
        closed_date as trade_date,
        max(multiplier) as multiplier,
        sum(gross_pnl) as overnight_gross_pnl,
        sum(
            case
                when closing_sequence is not null then 0
                when is_long then -quantity
                else quantity
            end
        ) as ended_units,
        sum(
            case
                when closing_sequence is null
                    then {{ in_shares(
                        exact_product(
                            'case when is_long then -quantity else quantity end',
                            'closing_price',
                            'multiplier',
                        ),
                        'closing_units',
                    ) }}
                else 0
            end
        ) as ended_amount
    from closed_lots
    group by account_id, book_symbol, closed_date
),

previous_results as (
    select * from {{ previous_rows({
        'account_id': 'varchar(100)',
        'book_symbol': 'varchar(100)',
        'trade_date': 'date',
        'currency': 'varchar(100)',
        'position_units': 'decimal(38, 8)',
        'open_cost': 'decimal(38, 8)',
    }) }}
),

carried as (
    select
        previous_results.account_id,
        previous_results.book_symbol,
        max_by(previous_results.position_units, previous_results.trade_date)
            as position_units,
        max_by(previous_results.open_cost, previous_results.trade_date) as open_cost,
        max_by(previous_results.currency, previous_results.trade_date) as currency
    from previous_results
    inner join planned_symbols
        on
            previous_results.account_id = planned_symbols.account_id
            and previous_results.book_symbol = planned_symbols.book_symbol
            and previous_results.trade_date < planned_symbols.first_date
    group by previous_results.account_id, previous_results.book_symbol
),

all_days as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        currency,
        false as is_ending,
        units_per_share,
        multiplier,
        {{ in_units('signed_quantity', 'units_per_share') }} as signed_units,
        paid_amount,
        intraday_gross_pnl,
        total_fees
    from fill_days
    union all
    select
        books.account_id,
        books.symbol,
        overnight_days.trade_date,
        books.book_symbol,
        null as currency,
        true as is_ending,
        books.units_per_share,
        overnight_days.multiplier,
        0 as signed_units,
        0 as paid_amount,
        0 as intraday_gross_pnl,
        0 as total_fees
    from overnight_days
    inner join books
        on
            overnight_days.account_id = books.account_id
            and overnight_days.book_symbol = books.book_symbol
            and overnight_days.trade_date = books.closing_date
            and books.valid_from <= books.closing_date
            and books.valid_to > books.closing_date
    left join fill_days
        on
            overnight_days.account_id = fill_days.account_id
            and overnight_days.book_symbol = fill_days.book_symbol
            and overnight_days.trade_date = fill_days.trade_date
    where fill_days.account_id is null
),

realized_days as (
    select
        all_days.account_id,
        all_days.symbol,
        all_days.trade_date,
        all_days.book_symbol,
        -- What an expiry closes without a fill is of the currency it was of.
        case
            when not all_days.is_ending then all_days.currency
            else coalesce(
                lag(all_days.currency) over (
                    partition by all_days.account_id, all_days.book_symbol
                    order by all_days.trade_date
                ),
                carried.currency
            )
        end as currency,
        all_days.units_per_share,
        all_days.multiplier,
        all_days.signed_units + coalesce(overnight_days.ended_units, 0) as signed_units,
        coalesce(overnight_days.ended_units, 0) as ended_units,
        all_days.paid_amount + coalesce(overnight_days.ended_amount, 0) as paid_amount,
        all_days.intraday_gross_pnl,
        all_days.total_fees,
        coalesce(overnight_days.overnight_gross_pnl, 0) as overnight_gross_pnl,
        coalesce(carried.position_units, 0) as carried_units,
        coalesce(carried.open_cost, 0) as carried_cost
    from all_days
    left join overnight_days
        on
            all_days.account_id = overnight_days.account_id
            and all_days.book_symbol = overnight_days.book_symbol
            and all_days.trade_date = overnight_days.trade_date
    left join carried
        on
            all_days.account_id = carried.account_id
            and all_days.book_symbol = carried.book_symbol
),

positions as (
    select
        *,
        cast(
            carried_units - signed_units + sum(signed_units) over book_so_far
            as decimal(38, 8)
        ) as opening_units,
        cast(carried_units + sum(signed_units) over book_so_far as decimal(38, 8))
            as position_units,
        cast(
            carried_cost
            + sum(paid_amount + intraday_gross_pnl + overnight_gross_pnl) over book_so_far
            as decimal(38, 8)
        ) as open_cost
    from realized_days
    window book_so_far as (
        partition by account_id, book_symbol order by trade_date
        rows between unbounded preceding and current row
    )
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        book_symbol,
        ---------- text
        currency,
        ---------- position before and after the date
        multiplier,
        units_per_share,
        opening_units,
        position_units,
        cast(ended_units as decimal(38, 8)) as ended_units,
        {{ in_shares('opening_units', 'units_per_share') }} as opening_quantity,
        {{ in_shares('position_units', 'units_per_share') }} as position_quantity,
        open_cost,
        ---------- money
        intraday_gross_pnl,
        cast(overnight_gross_pnl as decimal(38, 8)) as overnight_gross_pnl,
        total_fees
    from positions
)

select * from final
