{# The last value that is not null up to the current row, in the order given. #}
{% macro last_so_far(expression, partition_by, order_by) -%}
    {{ ignoring_nulls('last_value', expression) }} over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
