{# first_value or last_value of an expression, of the rows on which it is not null. #}
{% macro ignoring_nulls(function, expression) -%}
    {{ return(adapter.dispatch('ignoring_nulls')(function, expression)) }}
{%- endmacro %}

{% macro default__ignoring_nulls(function, expression) -%}
    {{ function }}({{ expression }} ignore nulls)
{%- endmacro %}

{% macro spark__ignoring_nulls(function, expression) -%}
    {{ function }}({{ expression }}) ignore nulls
{%- endmacro %}
