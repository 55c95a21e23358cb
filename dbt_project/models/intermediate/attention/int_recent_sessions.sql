{# Grain: one row per session of the last ten before the morning; recency 1 is the last. #}
with

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

numbered as (
    select
        sessions.session_date,
        row_number() over (order by sessions.session_date desc) as recency
    from sessions
    inner join run_context on sessions.session_date < run_context.prediction_date
),

final as (
    select
        session_date,
        recency
    from numbered
    where recency <= 10
)

select * from final
