{# Grain: one row: exported limits that nobody has read back. #}
with

platforms as (
    select
        platform,
        count(*) as limits_count
    from {{ ref('stg_ops__limit_platforms') }}
    where status in ('sent', 'acknowledged')
    group by platform
),

by_platform as (
    select
        *,
        row_number() over (order by platform) as shown_order
    from platforms
),

final as (
    select
        'unconfirmed' as check_name,
        coalesce(sum(limits_count), 0) as found_count,
        'limits were exported, and nobody has read them back: '
        || {{ first_few_joined("limits_count || ' at ' || platform") }} as finding
    from by_platform
)

select * from final
