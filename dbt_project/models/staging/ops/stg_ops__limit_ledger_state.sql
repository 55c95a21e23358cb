{{ config(tags=['after_scoring']) }}
{# Grain: one row: whether the ledger of limits could be read this morning. #}
with

source as (
    select * from {{ source('ops', 'limit_ledger_state') }}
),

final as (
    select
        ---------- what
        session as session_date,
        entries_count,
        problem
    from source
)

select * from final
