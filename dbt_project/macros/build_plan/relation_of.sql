{#
    The relation of a model, where ref() cannot be used: data tests and hooks declare no
    dependency on the plan. None where no build has made it.
#}
{% macro relation_of(name) -%}
    {%- if execute -%}
        {%- set node = graph.nodes['model.risk.' ~ name] -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endif -%}
{%- endmacro %}
