{# A dollar amount as people write it: $58,467, without cents; a minus is −. #}
{% macro dollars_text(amount) -%}
    {{ return(adapter.dispatch('dollars_text')(amount)) }}
{%- endmacro %}

{% macro default__dollars_text(amount) -%}
    case when {{ amount }} <= -0.5 then '−' else '' end
    || '$' || format('{:,}', cast(round(abs({{ amount }})) as bigint))
{%- endmacro %}

{% macro spark__dollars_text(amount) -%}
    case when {{ amount }} <= -0.5 then '−' else '' end
    || '$' || format_number(round(abs({{ amount }})), 0)
{%- endmacro %}
