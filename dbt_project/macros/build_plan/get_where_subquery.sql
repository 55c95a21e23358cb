{#
    Overrides dbt's: with TEST_NEW_ROWS_ONLY (`make build` sets it) data tests look at
    what the run built anew; the rest was tested when it was built. Without it, as dbt
    does by itself, they see every row.
#}
{% macro duckdb__get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
    {%- if execute and tests_new_rows_only() -%}
        {#- Of a seed or a source nothing is planned. -#}
        {%- set node = graph.nodes.get('model.risk.' ~ relation.identifier) -%}
        {%- set planned_by = node.config.meta.planned_by if node -%}
        {%- if planned_by == 'symbol_spans' -%}
            {%- do conditions.append(
                'coalesce(closed_date, ' ~ max_date() ~ ') >= ' ~ first_planned_date()
            ) -%}
        {%- elif planned_by == 'documents' -%}
            {%- do conditions.append('trade_date >= ' ~ first_unbuilt_date()) -%}
        {%- elif planned_by and planned_by not in ('scope_dates', 'later_dates') -%}
            {%- do conditions.append('trade_date >= ' ~ first_planned_date()) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if conditions -%}
        (select * from {{ relation }} where {{ conditions | join(' and ') }}) as tested_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
