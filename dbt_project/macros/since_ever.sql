{# The first date of what has always been so. #}
{% macro since_ever() -%}
    cast('1900-01-01' as date)
{%- endmacro %}
