{#
    Data tests look at what a run built anew; what it left alone was tested when it was
    built. A view of such a table says what that one `rebuilds`. All other models, and a
    test's own `where`, are as dbt has them.
#}
{% macro duckdb__get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.name == relation.identifier -%}
            {%- if node.config.get('rebuilds') -%}
                {%- set dated = 'coalesce(closed_date, ' ~ for_ever() ~ ')'
                    if node.config.get('rebuilds') == 'symbol_spans' else 'trade_date' -%}
                {%- do conditions.append(dated ~ ' >= ' ~ first_rebuilt_date()) -%}
            {%- elif 'versions_of_fills' in node.tags -%}
                {%- do conditions.append('trade_date >= ' ~ first_loaded_date()) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if conditions -%}
        (select * from {{ relation }} where {{ conditions | join(' and ') }}) as tested_rows
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
