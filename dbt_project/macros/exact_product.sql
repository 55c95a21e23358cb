{#
    Money from a quantity, a price and a multiplier, exact on every engine.
    Whole units are multiplied without a digit that has to be rounded off: DuckDB divides
    128 bits so slowly that this takes a twentieth of the time.
    One operand of each product that can be large has 19 digits: two of 18 digits DuckDB
    would multiply in 64 bits, and overflow; two of 19 Spark would round.
#}
{% macro exact_product(quantity, price, multiplier) -%}
    {%- set narrow = 'try_cast(' ~ quantity ~ ' as decimal(18, 8))' -%}
    case
        when
            {{ narrow }} = cast({{ narrow }} as decimal(18, 0))
            and {{ multiplier }} = cast({{ multiplier }} as decimal(18, 0))
            then
                cast(
                    cast(
                        cast({{ narrow }} as decimal(19, 0))
                        * cast({{ multiplier }} as decimal(18, 0)) as decimal(19, 0)
                    ) * cast({{ price }} as decimal(18, 8)) as decimal(38, 8)
                )
        else
            cast(
                cast(
                    cast({{ quantity }} as decimal(19, 8))
                    * cast({{ multiplier }} as decimal(18, 8)) as decimal(19, 8)
                ) * cast({{ price }} as decimal(18, 8)) as decimal(38, 8)
            )
    end
{%- endmacro %}
