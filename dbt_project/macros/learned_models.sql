{# The models that learn; every other one is a baseline. #}
{% macro learned_models() -%}
    ('global', 'grouped', 'per_trader')
{%- endmacro %}
