{# The date that what still holds is valid to. #}
{% macro max_date() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
