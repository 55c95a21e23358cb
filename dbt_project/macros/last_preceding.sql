{# The last value that is not null before the current row, in the order given. #}
{% macro last_preceding(expression, partition_by, order_by) -%}
    {{ ignoring_nulls('last_value', expression) }} over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}
