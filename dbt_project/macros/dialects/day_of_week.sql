{# Day of the week as a number, Sunday 0 to Saturday 6. #}
{% macro day_of_week(date) -%}
    {{ return(adapter.dispatch('day_of_week')(date)) }}
{%- endmacro %}

{% macro default__day_of_week(date) -%}
    extract(dow from {{ date }})
{%- endmacro %}

{% macro spark__day_of_week(date) -%}
    dayofweek({{ date }}) - 1
{%- endmacro %}
