{#
    The rows that a rebuilt model holds before the batch it is computing: the state it
    carries on from. As written there are none; the materialization `rebuilt` puts the
    model's table in its place.

    columns: name and type of each column that is read.
#}
{% macro rows_so_far(columns) -%}
    {%- set nulls = [] -%}
    {%- for name, type in columns.items() -%}
        {%- do nulls.append('cast(null as ' ~ type ~ ') as ' ~ name) -%}
    {%- endfor -%}
    /* rows so far */ (select {{ nulls | join(', ') }} where 1 = 0) /* end */
{%- endmacro %}
