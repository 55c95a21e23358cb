{# Adding zero turns the negative one into zero. #}
{% macro advised_size_effect(position_multiplier, net_pnl) -%}
    ({{ position_multiplier }} - 1) * cast({{ net_pnl }} as double) + 0.0
{%- endmacro %}
