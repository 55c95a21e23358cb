{# Grain: one row: approved limits that a platform was not given as they are now. #}
with

{{ limits_by_platform(['not sent']) }},

final as (
    select
        'not_sent' as check_name,
        coalesce(sum(limits_count), 0) as found_count,
        'limits are approved and were not exported as they are now: '
        || {{ first_few_joined("limits_count || ' to ' || platform") }} as finding
    from by_platform
)

select * from final
