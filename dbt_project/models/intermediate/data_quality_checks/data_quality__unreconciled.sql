{# Grain: one row: recent account-days that differ from the broker's own summary. #}
with

reconciliation_counts as (
    select
        days_count,
        differing_days_count,
        classes_text
    from {{ ref('int_reconciliation_counts') }}
    where is_recent
),

final as (
    select
        'unreconciled' as check_name,
        coalesce(max(differing_days_count), 0) as found_count,
        concat_ws(
            ': ',
            'of ' || max(days_count) || ' account-days of the last '
            || '{{ var("reconciliation_recent_sessions") }} sessions differ'
            || ' from the broker''s own summary',
            max(classes_text)
        ) as finding
    from reconciliation_counts
)

select * from final
