{#
    Population standard deviation of an amount, to `digits` decimals, from sums that are
    exact whatever the order of the rows: two builds of the same fills agree to the last
    bit.
#}
{% macro population_stddev(amount, digits=2) -%}
    {%- set narrow = 'cast(' ~ amount ~ ' as decimal(18, ' ~ digits ~ '))' -%}
    {%- set wide = 'cast(' ~ amount ~ ' as decimal(19, ' ~ digits ~ '))' -%}
    {%- set mean = 'cast(sum(' ~ narrow ~ ') as double) / nullif(count(' ~ amount ~ '), 0)' -%}
    sqrt(
        greatest(
            cast(sum({{ narrow }} * {{ wide }}) as double) / nullif(count({{ amount }}), 0)
            - {{ mean }} * ({{ mean }}),
            0
        )
    )
{%- endmacro %}
