{#
    Grain: one row: equities held overnight whose price moved by a split's ratio from one
    known price to the next, and free shares, without a line in corporate_actions.csv.
    Known are closing prices; of symbols without any what a lot was opened and closed at.
    Prices move by a half often enough: 3:2 must be met more nearly, and by closing prices.
#}
with

instruments as (
    select symbol from {{ ref('int_instruments') }}
    where instrument_type = 'equity'
),

held_days as (
    select
        account_id,
        symbol,
        book_symbol,
        trade_date,
        position_quantity,
        close_price
    from {{ ref('int_held_days') }}
    where close_price is not null
),

symbol_days as (
    select
        account_id,
        symbol,
        book_symbol,
        trade_date,
        opening_quantity
    from {{ ref('int_symbol_day_results') }}
),

journal_days as (
    select
        account_id,
        symbol,
        trade_date
    from {{ ref('int_symbol_day_fills') }}
    where has_journal_entries
),

lots as (
    select
        account_id,
        book_symbol,
        opened_date,
        closed_date,
        opening_price,
        closing_price
    from {{ ref('int_overnight_lot_matches') }}
    where
        opened_date < closed_date
        and opening_price > 0
        and closing_price > 0
        and opening_units = closing_units
        and closed_date - interval {{ var('suspected_split_days') }} day <= opened_date
),

lines as (
    select
        symbol,
        effective_date
    from {{ ref('int_corporate_actions') }}
),

ratios as (
    {% for new, old in [
        (3, 2), (2, 1), (3, 1), (4, 1), (5, 1), (8, 1), (10, 1), (15, 1), (20, 1), (25, 1)
    ] -%}
        select
            '{{ new }}:{{ old }}' as ratio,
            cast({{ new }} as double) / {{ old }} as share_factor
        union all
        select
            '{{ old }}:{{ new }}' as ratio,
            cast({{ old }} as double) / {{ new }} as share_factor
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

fills as (
    select
        account_id,
        symbol,
        trade_date,
        case when is_buy then quantity else -quantity end as signed_quantity
    from {{ ref('int_fills_current') }}
    where
        not is_regular
        and is_counted
        and not is_corporate_action
        and price = 0
        and fill_status not in ('OPENING', 'CONVERTED')
        and instrument_type = 'equity'
),

closes as (
    select
        *,
        lag(case when position_quantity <> 0 then close_price end) over (
            partition by account_id, book_symbol, symbol order by trade_date
        ) as previous_price
    from held_days
),

marked_symbols as (
    select distinct symbol from held_days
),

moves as (
    select
        account_id,
        symbol,
        trade_date,
        previous_price / close_price as share_factor
    from closes
    where close_price > 0 and previous_price > 0
    union all
    select
        lots.account_id,
        symbol_days.symbol,
        lots.closed_date as trade_date,
        lots.opening_price / lots.closing_price as share_factor
    from lots
    inner join symbol_days
        on
            lots.account_id = symbol_days.account_id
            and lots.book_symbol = symbol_days.book_symbol
            and lots.closed_date = symbol_days.trade_date
    left join marked_symbols on symbol_days.symbol = marked_symbols.symbol
    where
        marked_symbols.symbol is null
        -- Within days, a half is any price's move.
        and lots.opening_price / lots.closing_price not between 0.55 and 1.8
),

large_moves as (
    select moves.*
    from moves
    inner join instruments on moves.symbol = instruments.symbol
    where moves.share_factor not between 0.72 and 1.4
),

suspicions as (
    select
        large_moves.symbol,
        large_moves.trade_date,
        ratios.ratio
    from large_moves
    inner join ratios
        on
            abs(large_moves.share_factor / ratios.share_factor - 1)
            < {{ var('suspected_split_tolerance') }}
            * case when ratios.share_factor between 0.5001 and 1.9999 then 0.25 else 1 end
    left join journal_days
        on
            large_moves.account_id = journal_days.account_id
            and large_moves.symbol = journal_days.symbol
            and large_moves.trade_date = journal_days.trade_date
    where journal_days.account_id is null
    union all
    select
        fills.symbol,
        fills.trade_date,
        cast(cast(
            abs(symbol_days.opening_quantity + fills.signed_quantity) as bigint
        ) as string)
        || ':'
        || cast(cast(abs(symbol_days.opening_quantity) as bigint) as string) as ratio
    from fills
    inner join symbol_days
        on
            fills.account_id = symbol_days.account_id
            and fills.symbol = symbol_days.symbol
            and fills.trade_date = symbol_days.trade_date
    where
        symbol_days.opening_quantity
        * (symbol_days.opening_quantity + fills.signed_quantity) > 0
),

suspicions_of_symbols as (
    -- Two moves of one symbol days apart are mostly one split, seen in two accounts.
    select
        suspicions.symbol,
        min(suspicions.trade_date) as trade_date,
        min_by(suspicions.ratio, suspicions.trade_date) as ratio
    from suspicions
    left join lines
        on
            suspicions.symbol = lines.symbol
            and suspicions.trade_date
            between lines.effective_date - interval {{ var('suspected_split_days') }} day
            and lines.effective_date + interval {{ var('suspected_split_days') }} day
    where lines.symbol is null
    group by suspicions.symbol
),

suspicions_numbered as (
    select
        *,
        row_number() over (order by trade_date desc, symbol asc) as shown_order
    from suspicions_of_symbols
),

final as (
    select
        'suspected_split' as check_name,
        count(*) as found_count,
        'held symbols moved as in a split, and no line says that it was one: '
        || {{ first_few_joined(
            "symbol || ',' || trade_date || ',split,' || ratio || ',,,,'", '; '
        ) }} as finding
    from suspicions_numbered
)

select * from final
