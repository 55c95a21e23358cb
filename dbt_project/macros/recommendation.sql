{# What to do at a risk level, in words, from that level's position multiplier. #}
{% macro recommendation(level) -%}
    {%- set multiplier = var(level ~ '_risk_position_multiplier') -%}
    {%- if multiplier == 0 -%}
        'Do not trade'
    {%- elif multiplier < 1 -%}
        'Trade at most {{ (multiplier * 100) | round | int }} % of the usual size'
    {%- else -%}
        'Usual size'
    {%- endif -%}
{%- endmacro %}
