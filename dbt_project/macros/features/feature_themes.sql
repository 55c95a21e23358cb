{# Themes of the features, in the order that feat_trader_day has their columns in. #}
{% macro feature_themes() -%}
    {{ return(['pnl', 'activity', 'symbols', 'sizing', 'positions', 'tilt', 'losses', 'context']) }}
{%- endmacro %}
