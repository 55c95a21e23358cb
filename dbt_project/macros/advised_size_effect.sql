{# Exact decimals, so that sums of it are the same in any order. #}
{% macro advised_size_effect(position_multiplier, net_pnl) -%}
    cast(
        ({{ position_multiplier }} - 1) * cast({{ net_pnl }} as double) as decimal(38, 8)
    )
{%- endmacro %}
