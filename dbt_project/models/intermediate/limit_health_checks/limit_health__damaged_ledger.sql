{# Grain: one row: whether the ledger of limits could not be read this morning. #}
with

ledger_state as (
    select problem from {{ ref('stg_ops__limit_ledger_state') }}
),

final as (
    select
        'damaged_ledger' as check_name,
        count(problem) as found_count,
        'ledger of limits is damaged: ' || max(problem) as finding
    from ledger_state
)

select * from final
