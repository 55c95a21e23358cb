{# Grain: one row: account-days corrected since the morning before. #}
with

fill_versions as (
    select
        account_id,
        trade_date,
        known_at
    from {{ ref('fill_day_versions') }}
    where version_number > 1
),

last_opening as (
    select opened_at from {{ ref('int_last_opening') }}
),

final as (
    select
        'corrected_days' as check_name,
        count(distinct fill_versions.account_id || fill_versions.trade_date)
            as found_count,
        'account-days were corrected since the morning before' as finding
    from fill_versions
    inner join last_opening on fill_versions.known_at >= last_opening.opened_at
)

select * from final
