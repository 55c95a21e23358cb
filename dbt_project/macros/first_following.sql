{# The first value that is not null from the current row on, in the order given. #}
{% macro first_following(expression, partition_by, order_by) -%}
    {{ ignoring_nulls('first_value', expression) }} over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between current row and unbounded following
    )
{%- endmacro %}
