{#
    A table or view that takes its old one's place in one transaction: DuckDB's statements
    on tables are transactional. dbt-duckdb builds under another name, renames twice and
    drops, for databases where they are not: five statements more for each model.
#}
{% materialization table, adapter='duckdb' %}
    {{ return(built_in_place('table')) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(built_in_place('view')) }}
{% endmaterialization %}

{% macro built_in_place(type) %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type=type) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- set sql -%}
        {%- if existing %}
            drop {{ existing.type }} if exists {{ existing }};
        {%- endif %}
        {{
            create_table_as(False, target, compiled_code) if type == 'table'
            else create_view_as(target, compiled_code)
        }}
    {%- endset -%}
    {% call statement('main') %}{{ sql }}{% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmacro %}
