{# A full refresh goes on from no earlier build. #}
{% macro reset_build_state() -%}
    {%- if flags.FULL_REFRESH and target.type == 'duckdb' %}
        delete from ops.built_with;
        delete from ops.built_fill_days;
        delete from ops.built_dates;
    {%- endif -%}
{%- endmacro %}
