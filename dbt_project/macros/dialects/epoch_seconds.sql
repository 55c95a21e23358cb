{# Seconds from 1970 to a naive timestamp, as a double. #}
{% macro epoch_seconds(timestamp) -%}
    {{ return(adapter.dispatch('epoch_seconds')(timestamp)) }}
{%- endmacro %}

{% macro default__epoch_seconds(timestamp) -%}
    extract(epoch from {{ timestamp }})
{%- endmacro %}

{% macro spark__epoch_seconds(timestamp) -%}
    cast(unix_micros(cast({{ timestamp }} as timestamp_ltz)) as double) / 1000000
{%- endmacro %}
