{% macro sum_or_zero(amount) -%}
    cast(coalesce(sum({{ amount }}), 0) as decimal(38, 8))
{%- endmacro %}
