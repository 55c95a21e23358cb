{# Grain: one row per session of the New York Stock Exchange. #}
with

sessions as (
    select * from {{ ref('int_sessions') }}
),

final as (
    select
        ---------- keys
        session_date,
        previous_session_date,
        next_session_date,
        ---------- numbers: Sunday is 0
        cast({{ day_of_week('session_date') }} as bigint) as day_of_week,
        cast(
            {{ dbt.datediff('opens_at_et', 'closes_at_et', 'minute') }} as bigint
        ) as session_minutes,
        cast(sessions_to_month_end as bigint) as sessions_to_month_end,
        ---------- flags
        is_early_close,
        sessions_to_month_end = 0 as is_month_end,
        sessions_to_quarter_end = 0 as is_quarter_end,
        ---------- times
        opens_at_et,
        closes_at_et,
        {{ to_utc('opens_at_et') }} as opens_at,
        {{ to_utc('closes_at_et') }} as closes_at
    from sessions
)

select * from final
