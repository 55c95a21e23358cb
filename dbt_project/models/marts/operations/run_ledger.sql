{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per run and step, as the ledger of runs had it when the risk marts
    were built: the steps after that are there on the next morning (`make status` has
    them at once).
#}
with

steps as (
    select * from {{ ref('stg_ops__steps') }}
),

final as (
    select
        ---------- keys
        run_id,
        step_number,
        ---------- what was done
        command,
        step,
        steps_count,
        outcome,
        message,
        rows_count,
        missing_sessions_count,
        ---------- times (UTC)
        started_at,
        ended_at,
        seconds,
        ---------- with what
        versions
    from steps
)

select * from final
