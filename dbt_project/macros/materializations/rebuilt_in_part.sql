{#
    An incremental model that is there: what is planned goes and what came is inserted, in
    one transaction. dbt-duckdb looks up the columns of both tables three times for it: five
    statements more for each model. A column that only one of them has fails, as on_schema_change
    says; the next `make build` makes such a model whole.
#}
{% materialization incremental, adapter='duckdb' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is none or existing.is_view or should_full_refresh() -%}
        {{ return(built_in_place('table')) }}
    {%- endif -%}
    {{ return(rebuilt_in_part(existing)) }}
{% endmaterialization %}

{% macro rebuilt_in_part(target) %}
    {%- set new_rows = api.Relation.create(identifier=this.identifier ~ '__new_rows') -%}
    {%- set columns = adapter.get_columns_in_relation(target) -%}
    {%- set names = columns | map(attribute='quoted') | join(', ') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        create temporary table {{ new_rows }} as ({{ compiled_code }});
        {%- if config.get('incremental_strategy') == 'replace_planned' %}
            {{ replace_planned(target, new_rows) }}
        {%- endif %}
        insert into {{ target }} ({{ names }})
        select {{ names }}, * exclude ({{ names }}) from {{ new_rows }};
        drop table {{ new_rows }};
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmacro %}
