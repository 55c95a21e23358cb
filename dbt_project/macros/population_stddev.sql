{#
    Population standard deviation of a decimal, from sums that are exact whatever the
    order of the rows: two builds of the same fills agree to the last bit.
#}
{% macro population_stddev(amount) -%}
    sqrt(
        greatest(
            cast(sum({{ amount }} * cast({{ amount }} as decimal(19, 2))) as double)
            / count({{ amount }})
            - cast(sum({{ amount }}) as double) / count({{ amount }})
            * (cast(sum({{ amount }}) as double) / count({{ amount }})),
            0
        )
    )
{%- endmacro %}
