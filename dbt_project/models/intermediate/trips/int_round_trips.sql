{{ config(
    materialized='incremental',
    meta={'planned_by': 'symbol_spans'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and flat-to-flat position.
    A fill that passes through zero is split (macro fill_legs), so the cash a closed trip
    leaves behind is its gross P&L. A trip says how a trade went; on which day its P&L
    counts is daily_totals'. A trip is its last fill's trader's; opening_trader_id opened
    it, with the fill opening_sequence.
    Gross is in the base currency at the rate of its last fill's date, what it entered at
    that of its first's.
    Over a corporate action its quantities are units of its book (int_symbol_books), shown in
    the shares of its last date; an expiry closes it without a fill.
    A trip that is open when what is planned begins is built again from its first fill on.
#}
with

planned_symbols as (
    select
        account_id,
        book_symbol,
        first_date
    from {{ ref('int_planned_symbols') }}
),

matches as (
    select
        account_id,
        trader_id,
        symbol,
        trade_date,
        fill_sequence,
        day_sequence,
        book_symbol,
        units_per_share,
        is_buy,
        quantity,
        day_quantity_after,
        price,
        multiplier,
        exchange_rate,
        total_fees,
        has_fill_time,
        filled_at_et
    from {{ ref('int_fills_matched') }}
    -- What was posted for a corporate action trades nothing.
    where trade_date >= {{ first_open_date() }} and quantity > 0
),

symbol_days as (
    select
        account_id,
        symbol,
        book_symbol,
        trade_date,
        opening_units
    from {{ ref('int_symbol_day_results') }}
    where trade_date >= {{ first_open_date() }}
),

previous_trips as (
    select * from {{ previous_rows({
        'account_id': 'varchar(100)',
        'book_symbol': 'varchar(100)',
        'opening_sequence': 'bigint',
        'opened_date': 'date',
        'closed_date': 'date',
    }) }}
    where closed_date is null or closed_date >= {{ first_built_date() }}
),

open_trips as (
    select
        planned_symbols.account_id,
        planned_symbols.book_symbol,
        planned_symbols.first_date,
        previous_trips.opening_sequence,
        previous_trips.opened_date
    from previous_trips
    inner join planned_symbols
        on
            previous_trips.account_id = planned_symbols.account_id
            and previous_trips.book_symbol = planned_symbols.book_symbol
            and previous_trips.opened_date < planned_symbols.first_date
            and coalesce(previous_trips.closed_date, {{ max_date() }})
            >= planned_symbols.first_date
),

books as (
    select
        account_id,
        valid_from,
        valid_to,
        book_symbol,
        closing_date,
        closing_price
    from {{ ref('int_symbol_books') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

planned_days as (
    {{ planned_rows(ref('int_symbol_day_results'), 'symbols') }}
),

days_chosen as (
    select
        account_id,
        symbol,
        trade_date,
        opening_units,
        cast(0 as bigint) as first_sequence
    from planned_days
    union all
    select
        symbol_days.account_id,
        symbol_days.symbol,
        symbol_days.trade_date,
        symbol_days.opening_units,
        open_trips.opening_sequence as first_sequence
    from symbol_days
    inner join open_trips
        on
            symbol_days.account_id = open_trips.account_id
            and symbol_days.book_symbol = open_trips.book_symbol
            and symbol_days.trade_date >= open_trips.opened_date
            and symbol_days.trade_date < open_trips.first_date
),

fills as (
    select
        matches.account_id,
        matches.trader_id,
        matches.symbol,
        matches.trade_date,
        matches.fill_sequence,
        matches.day_sequence,
        matches.book_symbol,
        matches.units_per_share,
        {{ in_units(
            'case when matches.is_buy then matches.quantity else -matches.quantity end',
            'matches.units_per_share',
        ) }} as signed_quantity,
        days_chosen.opening_units
        + {{ in_units('matches.day_quantity_after', 'matches.units_per_share') }}
            as position_after,
        cast({{ in_shares('matches.price', 'matches.units_per_share') }} as decimal(18, 8))
            as price,
        matches.multiplier,
        matches.exchange_rate,
        matches.total_fees,
        matches.has_fill_time,
        matches.filled_at_et,
        days_chosen.first_sequence
    from matches
    inner join days_chosen
        on
            matches.account_id = days_chosen.account_id
            and matches.symbol = days_chosen.symbol
            and matches.trade_date = days_chosen.trade_date
    where matches.fill_sequence >= days_chosen.first_sequence
    union all
    select
        planned_days.account_id,
        account_traders.trader_id,
        planned_days.symbol,
        planned_days.trade_date,
        {{ date_prefixed_sequence('planned_days.trade_date', 9999999) }} as fill_sequence,
        9999999 as day_sequence,
        planned_days.book_symbol,
        planned_days.units_per_share,
        planned_days.ended_units as signed_quantity,
        cast(0 as decimal(38, 8)) as position_after,
        cast(
            {{ in_shares('books.closing_price', 'planned_days.units_per_share') }}
            as decimal(18, 8)
        ) as price,
        planned_days.multiplier,
        cast(null as decimal(17, 10)) as exchange_rate,
        0 as total_fees,
        false as has_fill_time,
        cast(planned_days.trade_date as timestamp) as filled_at_et,
        0 as first_sequence
    from planned_days
    inner join books
        on
            planned_days.account_id = books.account_id
            and planned_days.book_symbol = books.book_symbol
            and planned_days.trade_date = books.closing_date
            and books.valid_from <= books.closing_date
            and books.valid_to > books.closing_date
    inner join account_traders
        on
            planned_days.account_id = account_traders.account_id
            and planned_days.trade_date >= account_traders.valid_from
            and planned_days.trade_date < account_traders.valid_to
    where planned_days.ended_units <> 0
),

fill_legs as (
    {{ fill_legs(
        'fills', also=['first_sequence', 'book_symbol', 'units_per_share', 'exchange_rate']
    ) }}
),

legs_chosen as (
    -- What closed the trip before belongs to that one.
    select *
    from fill_legs
    where not (is_closing_part and fill_sequence = first_sequence)
),

legs_opened as (
    -- A leg that finds the account flat opens the next trip.
    select
        *,
        abs(position_after) > abs(position_after - signed_quantity) as is_entering,
        {{ last_so_far(
            'case when position_after = signed_quantity then leg_sequence end',
            'account_id, book_symbol',
            'leg_sequence',
        ) }} as opening_leg_sequence,
        {{ last_so_far(
            'case when position_after = signed_quantity then trade_date end',
            'account_id, book_symbol',
            'leg_sequence',
        ) }} as opened_date
    from legs_chosen
),

entries_running as (
    select
        account_id,
        opening_leg_sequence,
        signed_quantity,
        price,
        sum(abs(signed_quantity)) over trip_before as entered_quantity,
        sum({{ exact_product('abs(signed_quantity)', 'price', '1') }}) over trip_before
            as entered_amount
    from legs_opened
    where is_entering
    window trip_before as (
        partition by account_id, opening_leg_sequence order by leg_sequence
        rows between unbounded preceding and 1 preceding
    )
),

averaging_trips as (
    -- Against the mean price of what the trip had entered so far: buying lower, or
    -- shorting higher, is adding to a position that loses.
    select distinct
        account_id,
        opening_leg_sequence
    from entries_running
    where
        case
            when signed_quantity > 0
                then {{ exact_product('entered_quantity', 'price', '1') }} < entered_amount
            else {{ exact_product('entered_quantity', 'price', '1') }} > entered_amount
        end
),

legs_valued as (
    select
        *,
        {{ exact_product('signed_quantity', 'price', '1') }} as paid_amount,
        {{ exact_product('signed_quantity', 'price', 'multiplier') }} as paid_value,
        -- A price that moves makes no position larger: what it was when it was added to.
        case
            when is_entering
                then abs({{ exact_product('position_after', 'price', 'multiplier') }})
        end as entered_value
    from legs_opened
),

trips_summarised as (
    select
        account_id,
        book_symbol,
        opening_leg_sequence,
        max_by(symbol, leg_sequence) as symbol,
        max_by(units_per_share, leg_sequence) as units_per_share,
        min(fill_sequence) as opening_sequence,
        max_by(trader_id, leg_sequence) as trader_id,
        min_by(trader_id, leg_sequence) as opening_trader_id,
        min_by(day_sequence, leg_sequence) as opening_day_sequence,
        max_by(day_sequence, leg_sequence) as closing_day_sequence,
        count(*) as fills_count,
        max(abs(position_after)) as peak_quantity,
        max(multiplier) as multiplier,
        min_by(signed_quantity, leg_sequence) > 0 as is_long,
        max_by(position_after, leg_sequence) = 0 as is_closed,
        {{ safe_divide(
            'sum(case when signed_quantity > 0 then paid_amount end)',
            'sum(case when signed_quantity > 0 then signed_quantity end)',
        ) }} as buy_price,
        {{ safe_divide(
            'sum(case when signed_quantity < 0 then paid_amount end)',
            'sum(case when signed_quantity < 0 then signed_quantity end)',
        ) }} as sell_price,
        -sum(paid_value) as cash_flow,
        {{ sum_if_known('total_fees') }} as total_fees,
        nullif(min_by(coalesce(exchange_rate, -1), leg_sequence), -1) as opening_rate,
        -- What ends a book without a fill has no rate of its own.
        nullif(
            max_by(
                coalesce(exchange_rate, -1),
                case when day_sequence < 9999999 then leg_sequence end
            ),
            -1
        ) as closing_rate,
        sum(case when is_entering then abs(paid_value) else 0 end) as entry_notional,
        max(entered_value) as peak_notional,
        sum(
            case
                when is_entering and trade_date = opened_date then abs(paid_value)
                else 0
            end
        ) as opening_day_entry_notional,
        -- An unknown time would make any holding time up.
        case when min_by(has_fill_time, leg_sequence) then min(filled_at_et) end
            as opened_at_et,
        case when max_by(has_fill_time, leg_sequence) then max(filled_at_et) end
            as last_filled_at_et,
        max_by(trade_date, leg_sequence) as last_trade_date,
        min(opened_date) as opened_date
    from legs_valued
    group by account_id, book_symbol, opening_leg_sequence
),

trips_compared as (
    select
        trips_summarised.*,
        {{ in_base('trips_summarised.cash_flow', 'trips_summarised.closing_rate') }}
            as base_cash_flow,
        averaging_trips.account_id is not null as has_averaged_down
    from trips_summarised
    left join averaging_trips
        on
            trips_summarised.account_id = averaging_trips.account_id
            and trips_summarised.opening_leg_sequence = averaging_trips.opening_leg_sequence
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        book_symbol,
        opening_sequence,
        opening_trader_id,
        opening_day_sequence,
        case when is_closed then closing_day_sequence end as closing_day_sequence,
        ---------- numbers
        fills_count,
        cast({{ in_shares('peak_quantity', 'units_per_share') }} as decimal(38, 8))
            as peak_quantity,
        multiplier,
        case when is_long then buy_price else sell_price end * units_per_share
            as average_entry_price,
        case when is_long then sell_price else buy_price end * units_per_share
            as average_exit_price,
        ---------- money: an open trip has spent cash but realized nothing yet
        cast({{ in_base('entry_notional', 'opening_rate') }} as decimal(38, 8))
            as entry_notional,
        cast({{ in_base('opening_day_entry_notional', 'opening_rate') }} as decimal(38, 8))
            as opening_day_entry_notional,
        cast({{ in_base('peak_notional', 'opening_rate') }} as decimal(38, 8))
            as peak_notional,
        total_fees,
        case when is_closed then base_cash_flow end as gross_pnl,
        case when is_closed then base_cash_flow - total_fees end as net_pnl,
        ---------- flags
        is_long,
        is_closed,
        has_averaged_down,
        ---------- times
        opened_date,
        case when is_closed then last_trade_date end as closed_date,
        opened_at_et,
        case when is_closed then last_filled_at_et end as closed_at_et,
        {{ to_utc('opened_at_et') }} as opened_at,
        case when is_closed then {{ to_utc('last_filled_at_et') }} end as closed_at
    from trips_compared
)

select * from final
