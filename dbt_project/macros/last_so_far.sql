{# The last value that is not null up to the current row, in the order given. #}
{% macro last_so_far(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch('last_so_far')(expression, partition_by, order_by)) }}
{%- endmacro %}

{% macro default__last_so_far(expression, partition_by, order_by) -%}
    last_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{% macro spark__last_so_far(expression, partition_by, order_by) -%}
    last_value({{ expression }}) ignore nulls over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
