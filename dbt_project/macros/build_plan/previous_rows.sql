{#
    The rows that an incremental model holds already: the state that it carries on from.
    A full run has none.

    columns: name and type of each column that is read.
#}
{% macro previous_rows(columns) -%}
    {%- if is_incremental() -%}
        {{ this }}
    {%- else -%}
        {%- set nulls = [] -%}
        {%- for name, type in columns.items() -%}
            {%- do nulls.append('cast(null as ' ~ type ~ ') as ' ~ name) -%}
        {%- endfor -%}
        (select {{ nulls | join(', ') }} where 1 = 0) as no_rows
    {%- endif -%}
{%- endmacro %}
