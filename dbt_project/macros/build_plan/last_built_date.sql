{#
    The last date that a run builds: of a first build one batch of dates after the other is.
#}
{% macro last_built_date() -%}
    cast('{{ env_var("BUILD_THROUGH", "9999-12-31") }}' as date)
{%- endmacro %}
