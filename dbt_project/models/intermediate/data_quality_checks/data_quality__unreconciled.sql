{# Grain: one row: account-days that differ from the broker's own summary, still open. #}
with

reconciliation_counts as (
    select
        days_count,
        open_days_count,
        open_amount,
        oldest_sessions_count,
        classes_text
    from {{ ref('int_reconciliation_counts') }}
),

final as (
    select
        'unreconciled' as check_name,
        coalesce(open_days_count, 0) as found_count,
        'of ' || days_count || ' account-days differ from the broker''s own summary, by $'
        || open_amount || ' in all, the oldest ' || oldest_sessions_count
        || case when oldest_sessions_count = 1 then ' session' else ' sessions' end
        || ' old: ' || classes_text as finding
    from reconciliation_counts
)

select * from final
