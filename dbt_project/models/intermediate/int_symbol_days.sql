{#
    Grain: one row per account, symbol and date with a counted fill, or with a position
    carried through a session, or through a date on which the account traded otherwise.
    The cost of an open position is what was paid for everything so far, less what was
    got for it, plus the gross realised: an identity of any lot method, so open lots
    need not be enumerated. Where no mark is known, unrealized is null, never 0.
#}
with

fills as (
    select
        account_id,
        symbol,
        trade_date,
        signed_quantity,
        price,
        multiplier,
        total_fees
    from {{ ref('int_fills_current') }}
    where is_counted
),

intraday_matches as (
    select
        account_id,
        symbol,
        trade_date,
        is_buy,
        matched_quantity,
        price,
        multiplier
    from {{ ref('int_intraday_matches') }}
),

lots as (
    select
        account_id,
        symbol,
        closed_date,
        gross_pnl
    from {{ ref('int_lots') }}
    where closed_date is not null
),

marks as (
    select
        symbol,
        trade_date,
        max(close_price) as close_price
    from (
        {{ current_rows(ref('stg_propreports__positions'), 'positions') }}
    ) as positions
    group by symbol, trade_date
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

fill_days as (
    select
        account_id,
        symbol,
        trade_date,
        max(multiplier) as multiplier,
        sum(signed_quantity) as signed_quantity,
        sum({{ exact_product('signed_quantity', 'price', 'multiplier') }}) as paid_amount,
        cast(sum(total_fees) as decimal(38, 8)) as total_fees
    from fills
    group by account_id, symbol, trade_date
),

intraday_days as (
    select
        account_id,
        symbol,
        trade_date,
        sum(
            case when is_buy then -1 else 1 end
            * {{ exact_product('matched_quantity', 'price', 'multiplier') }}
        ) as intraday_gross_pnl
    from intraday_matches
    group by account_id, symbol, trade_date
),

overnight_days as (
    select
        account_id,
        symbol,
        closed_date as trade_date,
        sum(gross_pnl) as overnight_gross_pnl
    from lots
    group by account_id, symbol, closed_date
),

realised_days as (
    select
        fill_days.account_id,
        fill_days.symbol,
        fill_days.trade_date,
        fill_days.multiplier,
        fill_days.signed_quantity,
        fill_days.paid_amount,
        fill_days.total_fees,
        intraday_days.intraday_gross_pnl,
        coalesce(overnight_days.overnight_gross_pnl, 0) as overnight_gross_pnl
    from fill_days
    inner join intraday_days
        on
            fill_days.account_id = intraday_days.account_id
            and fill_days.symbol = intraday_days.symbol
            and fill_days.trade_date = intraday_days.trade_date
    left join overnight_days
        on
            fill_days.account_id = overnight_days.account_id
            and fill_days.symbol = overnight_days.symbol
            and fill_days.trade_date = overnight_days.trade_date
),

positions_running as (
    select
        *,
        sum(signed_quantity) over (
            partition by account_id, symbol order by trade_date
            rows between unbounded preceding and current row
        ) as position_quantity,
        sum(paid_amount + intraday_gross_pnl + overnight_gross_pnl) over (
            partition by account_id, symbol order by trade_date
            rows between unbounded preceding and current row
        ) as open_cost,
        lead(trade_date) over (
            partition by account_id, symbol order by trade_date
        ) as next_trade_date
    from realised_days
),

account_dates as (
    select distinct
        account_id,
        trade_date
    from fill_days
),

dates_off_session as (
    -- Somebody who trades on a holiday still holds what was held before.
    select
        account_dates.account_id,
        account_dates.trade_date
    from account_dates
    left join sessions on account_dates.trade_date = sessions.session_date
    where sessions.session_date is null
),

positions_held as (
    select
        positions_running.account_id,
        positions_running.symbol,
        positions_running.trade_date as held_from,
        coalesce(positions_running.next_trade_date, run_context.as_of_date) as held_to,
        positions_running.multiplier,
        positions_running.position_quantity,
        positions_running.open_cost
    from positions_running
    cross join run_context
    where positions_running.position_quantity <> 0
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
        multiplier,
        position_quantity,
        open_cost,
        intraday_gross_pnl,
        overnight_gross_pnl,
        total_fees,
        true as has_fills
    from positions_running
    union all
    select
        account_id,
        symbol,
        trade_date,
        multiplier,
        position_quantity,
        open_cost,
        cast(0 as decimal(38, 8)) as intraday_gross_pnl,
        cast(0 as decimal(38, 8)) as overnight_gross_pnl,
        cast(0 as decimal(38, 8)) as total_fees,
        false as has_fills
    from carried_days
),

days_marked as (
    select
        all_days.*,
        marks.close_price,
        case
            when all_days.position_quantity = 0 then cast(0 as decimal(38, 8))
            when marks.close_price is not null
                then
                    {{ exact_product('position_quantity', 'close_price', 'multiplier') }}
                    - all_days.open_cost
        end as unrealized_pnl
    from all_days
    left join marks
        on all_days.symbol = marks.symbol and all_days.trade_date = marks.trade_date
),

days_with_previous as (
    select
        *,
        lag(trade_date) over (
            partition by account_id, symbol order by trade_date
        ) as previous_date,
        lag(unrealized_pnl) over (
            partition by account_id, symbol order by trade_date
        ) as previous_unrealized_pnl
    from days_marked
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        ---------- position at the date's end
        position_quantity,
        multiplier,
        open_cost,
        close_price,
        ---------- money
        intraday_gross_pnl,
        overnight_gross_pnl,
        intraday_gross_pnl + overnight_gross_pnl as gross_pnl,
        total_fees,
        unrealized_pnl,
        -- Before the first row there was no position, so nothing was unrealized.
        unrealized_pnl
        - case when previous_date is null then 0 else previous_unrealized_pnl end
            as unrealized_delta,
        ---------- flags
        has_fills
    from days_with_previous
)

select * from final
