{#
    What a position is worth at a price, in the base currency to the cent; nothing held is
    worth nothing, and the worth of what has no price or exchange rate is unknown.
#}
{% macro exposure_of(quantity, price, multiplier, exchange_rate) -%}
    case
        when {{ quantity }} = 0 then cast(0 as decimal(18, 2))
        else {{ to_cents(in_base(exact_product(quantity, price, multiplier), exchange_rate)) }}
    end
{%- endmacro %}
