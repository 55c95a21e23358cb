{# What the sources name: Python has made it, but for engines that read files. #}
{% macro create_sources() -%}
    {{ return(adapter.dispatch('create_sources')()) }}
{%- endmacro %}

{% macro default__create_sources() -%}
{%- endmacro %}

{# `python -m daily build-spark` has exported them as Parquet. #}
{% macro spark__create_sources() -%}
    {%- if execute -%}
        {%- set lake = env_var('RISK_HOME', 'var/sample') ~ '/spark/lake' -%}
        {%- for source in graph.sources.values() -%}
            {%- set table = source.schema ~ '.' ~ source.identifier -%}
            {%- set folder = [lake, source.schema, source.identifier] | join('/') -%}
            {%- do run_query('create schema if not exists ' ~ source.schema) -%}
            {%- do run_query('drop table if exists ' ~ table) -%}
            {%- do run_query(
                'create table ' ~ table ~ ' using parquet location "' ~ folder ~ '"'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
