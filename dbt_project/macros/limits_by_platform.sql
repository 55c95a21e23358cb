{# As CTEs up to `by_platform`: how many limits are in these states at each platform of the desk. #}
{% macro limits_by_platform(states) -%}
    platforms as (
        select
            platform,
            count(*) as limits_count
        from {{ ref('stg_ops__limit_platforms') }}
        where status in ('{{ states | join("', '") }}')
        group by platform
    ),

    by_platform as (
        select
            *,
            row_number() over (order by platform) as shown_order
        from platforms
    )
{%- endmacro %}
