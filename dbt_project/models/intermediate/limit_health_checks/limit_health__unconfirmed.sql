{# Grain: one row: exported limits that nobody has read back. #}
with

{{ limits_by_platform(['sent', 'acknowledged']) }},

final as (
    select
        'unconfirmed' as check_name,
        coalesce(sum(limits_count), 0) as found_count,
        'limits were exported, and nobody has read them back: '
        || {{ first_few_joined("limits_count || ' at ' || platform") }} as finding
    from by_platform
)

select * from final
