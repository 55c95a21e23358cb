{#
    First and last date of the batch that a rebuilt model is computing. As written they
    let every date through; the materialization `rebuilt` puts each batch's in their place.
#}
{% macro batch_begins() -%}
    {%- do ref('int_rebuild_batches') -%}
    cast('1900-01-01' as date) /* batch begins */
{%- endmacro %}

{% macro batch_ends() -%}
    cast('9999-12-31' as date) /* batch ends */
{%- endmacro %}

{# The first date of what is open when the batch begins: before it nothing is read. #}
{% macro state_begins() -%}
    cast('1900-01-01' as date) /* state begins */
{%- endmacro %}
