{#
    Order of a day's fills: by time, then by the broker's ids, as numbers where they are some.

    relation: whose columns, where more than one relation has them.
#}
{% macro fill_order(relation=none) -%}
    {%- set prefix = '' if relation is none else relation ~ '.' -%}
    {{ prefix }}filled_at_et asc,
    {{ prefix }}fill_number asc nulls last,
    {{ prefix }}fill_id asc nulls last,
    {{ prefix }}propreports_number asc nulls last,
    {{ prefix }}propreports_id asc nulls last,
    {{ prefix }}account_id asc,
    {{ prefix }}symbol asc,
    {{ prefix }}row_number asc
{%- endmacro %}
