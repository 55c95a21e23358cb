{#
    Grain: one row: when the last session before the AS_OF date opened (UTC). The
    morning before was over then: no earlier report has what became known since.
#}
with

sessions as (
    select
        session_date,
        opens_at_et
    from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select {{ to_utc('max(sessions.opens_at_et)') }} as opened_at
    from sessions
    inner join run_context on sessions.session_date < run_context.as_of_date
)

select * from final
