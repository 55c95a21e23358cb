{# Contracts say `varchar`, which Spark takes for a text only if it has a length. #}
{% macro spark__cast(field, type) -%}
    cast({{ field }} as {{ 'string' if type == 'varchar' else type }})
{%- endmacro %}
