{#
    Grain: one row per symbol and date on which a line of corporate_actions.csv takes
    effect before the AS_OF date.
#}
with

lines as (
    select
        line_number,
        symbol,
        effective_date,
        action,
        new_symbol,
        new_shares,
        old_shares,
        closing_price,
        cash_per_share,
        cost_share
    from {{ ref('stg_desk__corporate_actions') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

first_sessions as (
    -- No exchange is closed for two weeks; beyond the calendar a date is its own.
    select
        lines.line_number,
        min(sessions.session_date) as session_date
    from lines
    inner join sessions
        on
            lines.effective_date <= sessions.session_date
            and sessions.session_date <= lines.effective_date + interval 14 day
    group by lines.line_number
),

final as (
    select
        lines.*,
        coalesce(first_sessions.session_date, lines.effective_date) as session_date
    from lines
    inner join run_context on lines.effective_date < run_context.as_of_date
    left join first_sessions on lines.line_number = first_sessions.line_number
)

select * from final
