{#
    The checks of a mart with what the seed check_index says of each. A check without
    its line in the index, or a line without its check, leaves a null that the contract
    forbids.
#}
{% macro checks_with_index(mart, check_names) -%}
with

checks as (
    {% for check_name in check_names %}
        {{ "union all" if not loop.first }}
        select
            check_name,
            found_count,
            finding
        from {{ ref(mart ~ '__' ~ check_name) }}
    {% endfor %}
),

check_index as (
    select
        check_name,
        check_order,
        needs_attention,
        meaning,
        how_to_fix
    from {{ ref('check_index') }}
    where mart = '{{ mart }}'
),

final as (
    select
        coalesce(check_index.check_name, checks.check_name) as check_name,
        check_index.check_order,
        cast(checks.found_count as bigint) as found_count,
        check_index.needs_attention,
        -- A check that found nothing has no text of what it found.
        coalesce(checks.finding, 'nothing found') as finding,
        check_index.meaning,
        check_index.how_to_fix
    from checks
    full outer join check_index on checks.check_name = check_index.check_name
)

select * from final
{%- endmacro %}
