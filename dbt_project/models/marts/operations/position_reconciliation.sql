{#
    Grain: one row per account, symbol and session (or date of the broker's positions) on
    which we or the broker hold a position.
    A break that stands is one break, with the date it was first seen: while the quantity
    that we hold more or less stays the same. It is open until the two agree, or until
    it is signed off by that date and its amount of that date, to the cent.
#}
with

differences as (
    select * from {{ ref('int_position_differences') }}
),

days_read as (
    select
        account_id,
        trade_date
    from {{ ref('int_read_position_days') }}
),

past_sessions as (
    select
        sessions.session_date,
        row_number() over (order by sessions.session_date) as session_number
    from {{ ref('stg_propreports__sessions') }} as sessions
    inner join {{ ref('stg_propreports__run_context') }} as run_context
        on sessions.session_date < run_context.as_of_date
),

sign_offs as (
    select
        account_id,
        symbol,
        trade_date,
        amount,
        signed_off_by,
        note
    from {{ ref('stg_desk__signed_off_breaks') }}
    where symbol is not null
),

last_session as (
    select
        max(session_date) as session_date,
        max(session_number) as session_number
    from past_sessions
),

accounts_read as (
    select
        days_read.account_id,
        min(days_read.trade_date) as first_date,
        max(past_sessions.session_date) as last_session_date
    from days_read
    left join past_sessions on days_read.trade_date = past_sessions.session_date
    group by days_read.account_id
),

days_numbered as (
    -- A date off session has the number of the session before it.
    select
        dates.trade_date,
        max(past_sessions.session_number) as session_number
    from (select distinct trade_date from differences) as dates
    left join past_sessions on dates.trade_date >= past_sessions.session_date
    group by dates.trade_date
),

differences_numbered as (
    select
        differences.*,
        days_numbered.session_number,
        {{ last_so_far(
            'differences.break_key', 'differences.account_id, differences.symbol',
            'differences.trade_date',
        ) }} as standing_key
    from differences
    inner join days_numbered on differences.trade_date = days_numbered.trade_date
),

differences_chained as (
    select
        *,
        lag(standing_key) over symbol_in_order as previous_key,
        session_number - lag(session_number) over symbol_in_order as sessions_apart
    from differences_numbered
    window symbol_in_order as (partition by account_id, symbol order by trade_date)
),

runs_begun as (
    -- A session without a row is one on which neither held it.
    select
        *,
        case
            when sessions_apart <= 1 and coalesce(standing_key, '') = coalesce(previous_key, '')
                then 0
            else 1
        end as begins_run
    from differences_chained
),

runs_numbered as (
    select
        *,
        sum(begins_run) over (
            partition by account_id, symbol order by trade_date
            rows between unbounded preceding and current row
        ) as run_number
    from runs_begun
),

runs as (
    select
        account_id,
        symbol,
        run_number,
        min(case when break_key is not null then trade_date end) as first_seen,
        min_by(
            difference_amount,
            case when break_key is not null then trade_date end
        ) as first_amount,
        max(trade_date) as last_date
    from runs_numbered
    group by account_id, symbol, run_number
),

breaks as (
    select
        runs_numbered.*,
        runs.first_seen,
        runs.first_amount,
        last_session.session_number - first_days.session_number + 1
            as age_sessions_count,
        runs.last_date >= coalesce(
            accounts_read.last_session_date, last_session.session_date
        ) as is_standing,
        runs_numbered.difference_class in ('position_break', 'price_break', 'dead_option')
            as is_break,
        coalesce(runs.first_seen = accounts_read.first_date, false) as is_from_the_first_day
    from runs_numbered
    cross join last_session
    inner join runs
        on
            runs_numbered.account_id = runs.account_id
            and runs_numbered.symbol = runs.symbol
            and runs_numbered.run_number = runs.run_number
    left join days_numbered as first_days on runs.first_seen = first_days.trade_date
    left join accounts_read on runs_numbered.account_id = accounts_read.account_id
),

breaks_classed as (
    select
        *,
        case
            when
                difference_class = 'position_break' and is_from_the_first_day
                and multiplier is not null
                then 'opening_position_missing'
            else difference_class
        end as named_class
    from breaks
),

breaks_settled as (
    select
        breaks_classed.*,
        sign_offs.signed_off_by,
        sign_offs.note,
        case
            when breaks_classed.difference_class = 'not_compared' then null
            when breaks_classed.difference_class = 'agrees' then 'agreed'
            when {{ to_cents('breaks_classed.first_amount') }} = sign_offs.amount
                then 'signed_off'
            when breaks_classed.is_standing then 'open'
            else 'cleared'
        end as status
    from breaks_classed
    left join sign_offs
        on
            breaks_classed.account_id = sign_offs.account_id
            and breaks_classed.symbol = sign_offs.symbol
            and breaks_classed.first_seen = sign_offs.trade_date
            and breaks_classed.is_break
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        ---------- verdict
        named_class as difference_class,
        case
            when difference_class = 'not_compared' and is_listed
                then 'the broker''s positions show no quantity'
            when difference_class = 'not_compared'
                then 'no positions of the broker were read for this day'
            when difference_class = 'dead_option'
                then
                    'expired on ' || passed_expiry_date || ', which was not posted; '
                    || case
                        when position_quantity = 0 then 'we hold none'
                        else 'we hold ' || {{ plain_number('position_quantity') }}
                    end
                    || case
                        when broker_position_quantity = 0 then ', the broker none'
                        when broker_position_quantity is not null
                            then
                                ', the broker '
                                || {{ plain_number('broker_position_quantity') }}
                        else ''
                    end
            when difference_class = 'position_break'
                then
                    case
                        when not is_listed then 'the broker does not list it'
                        when broker_position_quantity = 0 then 'the broker holds none'
                        else
                            'the broker holds '
                            || {{ plain_number('broker_position_quantity') }}
                    end
                    || ', we '
                    || case
                        when position_quantity = 0 then 'none'
                        else {{ plain_number('position_quantity') }}
                    end
                    || case
                        when multiplier is null
                            then '; its contract size is unknown, and its fills are excluded'
                        when named_class = 'opening_position_missing'
                            then
                                '; by as much since the account''s first day: it was opened '
                                || 'before'
                        else ''
                    end
            when difference_class = 'price_break'
                then concat_ws(
                    '; ',
                    case
                        when average_price_differs
                            then
                                'the broker''s average price is '
                                || {{ plain_number('broker_average_price') }} || ', ours '
                                || {{ plain_number('average_price') }}
                    end,
                    case
                        when unrealized_differs
                            then
                                'the broker''s unrealized is '
                                || {{ money_text(
                                    'broker_account_unrealized_pnl', 'account_currency'
                                ) }}
                                || ', ours '
                                || {{ money_text(
                                    'account_unrealized_pnl', 'account_currency'
                                ) }}
                    end,
                    case
                        when multiplier_differs
                            then
                                'by its prices a contract is worth '
                                || {{ plain_number('broker_multiplier') }} || ', ours '
                                || {{ plain_number('multiplier') }}
                    end
                )
        end as explanation,
        difference_amount,
        ---------- status of a break
        status,
        case when is_break then first_seen end as first_seen,
        case
            when status in ('open', 'signed_off') then cast(age_sessions_count as bigint)
        end as age_sessions_count,
        signed_off_by as owner,
        note,
        ---------- numbers
        position_quantity,
        broker_position_quantity,
        cast(quantity_difference as decimal(38, 8)) as quantity_difference,
        average_price,
        broker_average_price,
        average_price_difference,
        close_price,
        multiplier,
        broker_multiplier,
        multiplier_differs,
        ---------- money
        cast(unrealized_pnl as decimal(38, 8)) as unrealized_pnl,
        broker_unrealized_pnl,
        cast(unrealized_difference as decimal(38, 8)) as unrealized_difference
    from breaks_settled
)

select * from final
