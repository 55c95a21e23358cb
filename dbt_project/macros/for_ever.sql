{# The date that what still holds is valid to. #}
{% macro for_ever() -%}
    cast('9999-12-31' as date)
{%- endmacro %}
