{# The first date of what has always been so. #}
{% macro min_date() -%}
    cast('1900-01-01' as date)
{%- endmacro %}
