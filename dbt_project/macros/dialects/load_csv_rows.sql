{# dbt-spark's own makes an empty cell of a seed the text 'None'. #}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model['config']['column_types'] -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set cells = [] -%}
        {%- for name in agate_table.column_names -%}
            {%- set text = (row[name] | string).replace("\\", "\\\\").replace("'", "\\'") -%}
            {%- set literal = 'null' if row[name] is none else "'" ~ text ~ "'" -%}
            {%- do cells.append('cast(' ~ literal ~ ' as ' ~ types[name] ~ ')') -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ cells | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set sql = 'insert into ' ~ this ~ ' values ' ~ rows | join(', ') -%}
    {%- if rows -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {%- endif -%}
    {{ return(sql) }}
{%- endmacro %}
