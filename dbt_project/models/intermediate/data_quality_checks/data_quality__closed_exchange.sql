{# Grain: one row: fills of dates without a session. #}
with

fill_dates as (
    select
        trade_date,
        fills_count
    from {{ ref('int_fill_dates') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

final as (
    select
        'closed_exchange' as check_name,
        coalesce(sum(fill_dates.fills_count), 0) as found_count,
        'fills are of dates on which the exchange was closed; they count on their date'
            as finding
    from fill_dates
    left join sessions on fill_dates.trade_date = sessions.session_date
    where sessions.session_date is null
)

select * from final
