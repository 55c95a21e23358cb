{#
    Grain: one row per account, symbol and date at whose end a position is held, or at
    whose beginning one was: dates with a counted fill, sessions through which it was
    carried, and dates off session on which the account traded or was booked something.
    A position carried over a corporate action is in shares and symbol of each date.
    A mark holds until the symbol's next one, off session too; its age says how old it is.
    Before the symbol's first mark unrealized is null, never 0. It is local unrealized at
    the date's exchange rate, and null without one.
#}
with

results as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        currency,
        multiplier,
        units_per_share,
        position_units,
        position_quantity,
        open_cost
    from {{ ref('int_symbol_day_results') }}
    where position_quantity <> 0 or opening_quantity <> 0
),

books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from {{ ref('int_symbol_books') }}
),

account_days as (
    select
        account_id,
        trade_date
    from {{ ref('int_account_day_fills') }}
    where counted_fills_count > 0
    union
    select
        account_id,
        trade_date
    from {{ ref('int_adjustments') }}
),

positions as (
    {{ current_rows(ref('stg_propreports__positions'), 'positions') }}
),

marks as (
    select
        symbol,
        trade_date,
        max(close_price) as close_price
    from positions
    where close_price is not null
    group by symbol, trade_date
),

corporate_actions as (
    select
        symbol,
        effective_date
    from {{ ref('int_corporate_actions') }}
    union all
    -- What bore the new name before is another share.
    select
        new_symbol as symbol,
        effective_date
    from {{ ref('int_corporate_actions') }}
    where action = 'symbol_change'
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

dates_off_session as (
    -- Somebody who trades on a holiday, or is booked something, holds what was held before.
    select
        account_days.account_id,
        account_days.trade_date
    from account_days
    left join sessions on account_days.trade_date = sessions.session_date
    where sessions.session_date is null
),

results_with_next as (
    select
        *,
        lead(trade_date) over (
            partition by account_id, book_symbol order by trade_date
        ) as next_trade_date
    from results
),

positions_held as (
    select
        results_with_next.account_id,
        results_with_next.book_symbol,
        results_with_next.trade_date as held_from,
        coalesce(results_with_next.next_trade_date, run_context.as_of_date) as held_to,
        results_with_next.currency,
        results_with_next.multiplier,
        results_with_next.position_units,
        results_with_next.open_cost
    from results_with_next
    cross join run_context
    where results_with_next.position_quantity <> 0
),

carried_days as (
    select
        positions_held.*,
        sessions.session_date as trade_date
    from positions_held
    inner join sessions
        on
            positions_held.held_from < sessions.session_date
            and positions_held.held_to > sessions.session_date
    union all
    select
        positions_held.*,
        dates_off_session.trade_date
    from positions_held
    inner join dates_off_session
        on
            positions_held.account_id = dates_off_session.account_id
            and positions_held.held_from < dates_off_session.trade_date
            and positions_held.held_to > dates_off_session.trade_date
),

all_days as (
    select
        account_id,
        symbol,
        trade_date,
        book_symbol,
        currency,
        multiplier,
        units_per_share,
        position_quantity,
        open_cost,
        true as has_fills
    from results
    union all
    select
        carried_days.account_id,
        coalesce(books.symbol, carried_days.book_symbol) as symbol,
        carried_days.trade_date,
        carried_days.book_symbol,
        carried_days.currency,
        carried_days.multiplier,
        coalesce(books.units_per_share, 1) as units_per_share,
        {{ in_shares(
            'carried_days.position_units', 'coalesce(books.units_per_share, 1)'
        ) }} as position_quantity,
        carried_days.open_cost,
        false as has_fills
    from carried_days
    left join books
        on
            carried_days.account_id = books.account_id
            and carried_days.book_symbol = books.book_symbol
            and carried_days.trade_date >= books.valid_from
            and carried_days.trade_date < books.valid_to
),

symbol_dates as (
    -- However many accounts hold it then.
    select
        symbol,
        trade_date
    from all_days
    union
    select
        symbol,
        trade_date
    from marks
),

session_periods as (
    select
        session_date as valid_from,
        coalesce(lead(session_date) over (order by session_date), {{ max_date() }})
            as valid_to,
        row_number() over (order by session_date) as session_number
    from sessions
),

dates_numbered as (
    -- A date off session has the number of the session before it.
    select
        dates.trade_date,
        coalesce(session_periods.session_number, 0) as session_number
    from (select distinct trade_date from symbol_dates) as dates
    left join session_periods
        on
            dates.trade_date >= session_periods.valid_from
            and dates.trade_date < session_periods.valid_to
),

symbol_spans as (
    -- A mark of before a split or a new name is of another share.
    select
        symbol_dates.symbol,
        symbol_dates.trade_date,
        max(corporate_actions.effective_date) as changed_date
    from symbol_dates
    left join corporate_actions
        on
            symbol_dates.symbol = corporate_actions.symbol
            and symbol_dates.trade_date >= corporate_actions.effective_date
    group by symbol_dates.symbol, symbol_dates.trade_date
),

last_marks as (
    select
        symbol_spans.symbol,
        symbol_spans.trade_date,
        {{ last_so_far(
            'marks.close_price',
            'symbol_spans.symbol, symbol_spans.changed_date',
            'symbol_spans.trade_date',
        ) }} as close_price,
        {{ last_so_far(
            'marks.trade_date',
            'symbol_spans.symbol, symbol_spans.changed_date',
            'symbol_spans.trade_date',
        ) }} as marked_date
    from symbol_spans
    left join marks
        on
            symbol_spans.symbol = marks.symbol
            and symbol_spans.trade_date = marks.trade_date
),

days_priced as (
    select
        all_days.*,
        last_marks.close_price,
        {{ rate_of('all_days.currency', 'rates') }} as exchange_rate,
        day_numbers.session_number - mark_numbers.session_number
            as mark_age_sessions_count
    from all_days
    inner join last_marks
        on
            all_days.symbol = last_marks.symbol
            and all_days.trade_date = last_marks.trade_date
    inner join dates_numbered as day_numbers
        on all_days.trade_date = day_numbers.trade_date
    left join dates_numbered as mark_numbers
        on last_marks.marked_date = mark_numbers.trade_date
    {{ join_rates('rates', 'all_days.currency', 'all_days.trade_date') }}
),

days_marked as (
    select
        *,
        case
            when position_quantity = 0 then cast(0 as decimal(38, 8))
            when close_price is not null
                then
                    {{ exact_product('position_quantity', 'close_price', 'multiplier') }}
                    - open_cost
        end as local_unrealized_pnl
    from days_priced
),

days_in_base as (
    select
        *,
        {{ in_base('local_unrealized_pnl', 'exchange_rate') }} as unrealized_pnl
    from days_marked
),

days_with_previous as (
    -- Before a position was opened nothing was unrealized.
    select
        *,
        coalesce(
            lag(position_quantity) over (
                partition by account_id, book_symbol order by trade_date
            ),
            0
        ) as previous_quantity,
        lag(unrealized_pnl) over (
            partition by account_id, book_symbol order by trade_date
        ) as previous_unrealized_pnl
    from days_in_base
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
        ---------- position at the date's end
        units_per_share,
        position_quantity,
        multiplier,
        exchange_rate,
        open_cost,
        close_price,
        cast(mark_age_sessions_count as bigint) as mark_age_sessions_count,
        ---------- money
        local_unrealized_pnl,
        unrealized_pnl,
        unrealized_pnl
        - case when previous_quantity = 0 then 0 else previous_unrealized_pnl end
            as unrealized_delta,
        ---------- flags
        has_fills
    from days_with_previous
)

select * from final
