{# Grain: one row: sessions since the last fill. #}
with

fill_dates as (
    select
        trade_date,
        counted_fills_count
    from {{ ref('int_fill_dates') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

last_fill as (
    select max(trade_date) as last_trade_date
    from fill_dates
    where counted_fills_count > 0
),

final as (
    select
        'stale' as check_name,
        count(sessions.session_date) as found_count,
        'sessions before the AS_OF date without a single fill' as finding
    from last_fill
    cross join run_context
    left join sessions
        on
            last_fill.last_trade_date < sessions.session_date
            and run_context.as_of_date > sessions.session_date
)

select * from final
