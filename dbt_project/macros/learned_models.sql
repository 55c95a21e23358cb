{# The models that learn; every other one is a baseline. #}
{% macro learned_models() -%}
    ('blend', 'global', 'per_trader')
{%- endmacro %}
