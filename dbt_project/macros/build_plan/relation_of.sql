{#
    The relation of a model, where ref() cannot be used: data tests and hooks declare no
    dependency on the plan.
#}
{% macro relation_of(name) -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.name == name -%}
            {{ node.relation_name }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
