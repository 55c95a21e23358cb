{# The last value that is not null before the current row, in the order given. #}
{% macro last_preceding(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch('last_preceding')(expression, partition_by, order_by)) }}
{%- endmacro %}

{% macro default__last_preceding(expression, partition_by, order_by) -%}
    last_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}

{% macro spark__last_preceding(expression, partition_by, order_by) -%}
    last_value({{ expression }}) ignore nulls over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}
