{# A naive New York timestamp as a naive UTC timestamp. #}
{% macro to_utc(timestamp_et) -%}
    {{ return(adapter.dispatch('to_utc')(timestamp_et)) }}
{%- endmacro %}

{% macro default__to_utc(timestamp_et) -%}
    timezone('UTC', timezone('America/New_York', {{ timestamp_et }}))
{%- endmacro %}

{% macro spark__to_utc(timestamp_et) -%}
    convert_timezone('America/New_York', 'UTC', {{ timestamp_et }})
{%- endmacro %}
