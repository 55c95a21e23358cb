{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per run and step, as the ledger of runs had it when the risk marts
    were built: later steps of that very run are still missing.
#}
with

source as (
    select * from {{ source('ops', 'steps') }}
),

final as (
    select
        ---------- keys
        run_id,
        step_number,
        ---------- text
        command,
        step,
        outcome,
        message,
        versions,
        ---------- numbers
        steps_count,
        rows_count,
        seconds,
        missing_sessions_count,
        ---------- times (UTC)
        started_at,
        ended_at
    from source
)

select * from final
