{#
    Grain: one row per session of the exchange calendar, with its neighbours.
    The calendar ends about a year ahead, in the midst of a month: how many sessions that
    month and quarter still have is not known.
#}
with

sessions as (
    select
        session_date,
        opens_at_et,
        closes_at_et,
        is_early_close,
        {{ dbt.date_trunc('month', 'session_date') }} as session_month,
        {{ dbt.date_trunc('quarter', 'session_date') }} as session_quarter
    from {{ ref('stg_propreports__sessions') }}
),

final as (
    select
        ---------- keys
        session_date,
        ---------- times
        opens_at_et,
        closes_at_et,
        ---------- flags
        is_early_close,
        ---------- neighbours
        lag(session_date) over (order by session_date) as previous_session_date,
        lead(session_date) over (order by session_date) as next_session_date,
        case
            when session_month < max(session_month) over ()
                then
                    count(*) over (
                        partition by session_month order by session_date
                        rows between 1 following and unbounded following
                    )
        end as sessions_to_month_end,
        case
            when session_quarter < max(session_quarter) over ()
                then
                    count(*) over (
                        partition by session_quarter order by session_date
                        rows between 1 following and unbounded following
                    )
        end as sessions_to_quarter_end
    from sessions
)

select * from final
