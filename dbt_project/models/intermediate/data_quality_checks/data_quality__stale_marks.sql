{#
    Grain: one row: positions at the end of the last session that have no mark of it. Of a
    source without any marks nothing is reported: none is expected.
#}
with

held_days as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity,
        multiplier,
        exchange_rate,
        open_cost,
        close_price,
        mark_age_sessions_count
    from {{ ref('int_held_days') }}
),

past_sessions as (
    select sessions.session_date
    from {{ ref('stg_propreports__sessions') }} as sessions
    inner join {{ ref('stg_propreports__run_context') }} as run_context
        on sessions.session_date < run_context.as_of_date
),

last_session as (
    select max(session_date) as session_date from past_sessions
),

first_mark as (
    select min(trade_date) as trade_date
    from {{ ref('stg_propreports__positions') }}
    where close_price is not null
),

stale_positions as (
    select
        held_days.account_id,
        held_days.symbol,
        held_days.trade_date,
        held_days.account_id || ' ' || {{ plain_number('held_days.position_quantity') }}
        || ' ' || held_days.symbol
        || case
            when held_days.close_price is null
                then
                    ', never marked ('
                    || coalesce(
                        '$' || cast(
                            abs({{ in_base('held_days.open_cost', 'held_days.exchange_rate') }})
                            as decimal(38, 2)
                        ) || ' at cost',
                        'of unknown value'
                    ) || ')'
            else
                ', ' || held_days.mark_age_sessions_count
                || case
                    when held_days.mark_age_sessions_count = 1 then ' session'
                    else ' sessions'
                end || ' old ('
                || coalesce(
                    '$' || cast(
                        abs({{ in_base(
                            exact_product(
                                'held_days.position_quantity',
                                'held_days.close_price',
                                'held_days.multiplier',
                            ),
                            'held_days.exchange_rate',
                        ) }}) as decimal(38, 2)
                    ),
                    'of unknown value'
                ) || ')'
        end as position_text,
        coalesce(held_days.mark_age_sessions_count, 1000000) as age_order
    from held_days
    inner join last_session on held_days.trade_date = last_session.session_date
    inner join first_mark on held_days.trade_date >= first_mark.trade_date
    where
        held_days.position_quantity <> 0
        and coalesce(held_days.mark_age_sessions_count, 1) > 0
),

positions_ordered as (
    select
        *,
        row_number() over (
            order by age_order desc, account_id asc, symbol asc
        ) as shown_order
    from stale_positions
),

final as (
    select
        'stale_marks' as check_name,
        count(*) as found_count,
        'positions of ' || max(trade_date)
        || ' have no closing price of that session: '
        || {{ first_few_joined('position_text', '; ') }} as finding
    from positions_ordered
)

select * from final
