{#
    Money from a quantity, a price and a multiplier, exact on every engine.
    One operand of each product is DECIMAL(19, 8): two of 18 digits DuckDB would
    multiply in 64 bits, and overflow; two of 19 Spark would round.
#}
{% macro exact_product(quantity, price, multiplier) -%}
    cast(
        cast(
            cast({{ quantity }} as decimal(19, 8)) * cast({{ multiplier }} as decimal(18, 8))
            as decimal(19, 8)
        ) * cast({{ price }} as decimal(18, 8)) as decimal(38, 8)
    )
{%- endmacro %}
