{# Grain: one row: journal entries among the fills. #}
with

fill_dates as (
    select journal_fills_count from {{ ref('int_fill_dates') }}
),

final as (
    select
        'journal_entries' as check_name,
        coalesce(sum(journal_fills_count), 0) as found_count,
        'journal entries move position and P&L but are no volume' as finding
    from fill_dates
)

select * from final
