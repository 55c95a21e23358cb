{#
    What a position is worth at a price, to the cent; nothing held is worth nothing, and
    the worth of what has no price is unknown.
#}
{% macro exposure_of(quantity, price, multiplier) -%}
    case
        when {{ quantity }} = 0 then cast(0 as decimal(18, 2))
        else {{ to_cents(exact_product(quantity, price, multiplier)) }}
    end
{%- endmacro %}
