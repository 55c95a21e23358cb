{# The texts of a group in an order, joined; null where there is none. #}
{% macro joined_text(expression, separator, order_by) -%}
    {{ return(adapter.dispatch('joined_text')(expression, separator, order_by)) }}
{%- endmacro %}

{% macro default__joined_text(expression, separator, order_by) -%}
    string_agg({{ expression }}, {{ separator }} order by {{ order_by }})
{%- endmacro %}

{% macro spark__joined_text(expression, separator, order_by) -%}
    listagg({{ expression }}, {{ separator }}) within group (order by {{ order_by }})
{%- endmacro %}
