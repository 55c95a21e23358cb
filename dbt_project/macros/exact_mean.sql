{#
    Mean of a value to eight decimals, the same whatever the order of the rows: two builds
    agree to the last bit. Null where there is none.
#}
{% macro exact_mean(value) -%}
    {{ safe_divide('sum(' ~ to_amount(value) ~ ')', 'count(' ~ value ~ ')') }}
{%- endmacro %}
