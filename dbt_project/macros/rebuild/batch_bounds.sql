{#
    First and last date of the batch that a rebuilt model is computing. As written they
    let every date through; the materialization `rebuilt` puts each batch's in their place.
#}
{% macro batch_begins() -%}
    {%- do ref('int_rebuild_batches') -%}
    {{ since_ever() }} /* batch begins */
{%- endmacro %}

{% macro batch_ends() -%}
    {{ for_ever() }} /* batch ends */
{%- endmacro %}

{# The first date of what is open when the batch begins: before it nothing is read. #}
{% macro state_begins() -%}
    {{ since_ever() }} /* state begins */
{%- endmacro %}
