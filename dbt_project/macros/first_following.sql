{# The first value that is not null from the current row on, in the order given. #}
{% macro first_following(expression, partition_by, order_by) -%}
    {{ return(adapter.dispatch('first_following')(expression, partition_by, order_by)) }}
{%- endmacro %}

{% macro default__first_following(expression, partition_by, order_by) -%}
    first_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between current row and unbounded following
    )
{%- endmacro %}

{% macro spark__first_following(expression, partition_by, order_by) -%}
    first_value({{ expression }}) ignore nulls over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between current row and unbounded following
    )
{%- endmacro %}
