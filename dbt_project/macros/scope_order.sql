{#
    Order of a day's fills of several traders: by time, in whole seconds as the broker has
    it, then by trader, each in their own order.

    relation: whose columns, where more than one relation has them.
#}
{% macro scope_order(relation=none) -%}
    {%- set prefix = '' if relation is none else relation ~ '.' -%}
    {{ prefix }}filled_at_et, {{ prefix }}trader_id, {{ prefix }}day_sequence
{%- endmacro %}
