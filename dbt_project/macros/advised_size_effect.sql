{# Exact decimals, so that sums of it are the same in any order. #}
{% macro advised_size_effect(position_multiplier, net_pnl) -%}
    {{ to_amount(
        '(' ~ position_multiplier ~ ' - 1) * cast(' ~ net_pnl ~ ' as double)'
    ) }}
{%- endmacro %}
