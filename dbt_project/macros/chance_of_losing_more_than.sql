{#
    Chance that a forecast's next day loses more than so many dollars, of any amount above
    a few dollars of fees, by the reference model: chance of a loss in trading times the
    upper tail of Student's t with 6 degrees of freedom (Abramowitz and Stegun 26.7.4).
#}
{% macro chance_of_losing_more_than(dollars) -%}
    {%- set t -%}
        ((ln({{ dollars }}) - ln(cast(usual_loss as double))) / loss_spread)
    {%- endset -%}
    {%- set x = '(' ~ t ~ ' / sqrt(6 + ' ~ t ~ ' * ' ~ t ~ '))' -%}
    {%- set rest = '(1 - ' ~ x ~ ' * ' ~ x ~ ')' -%}
    realised_loss_probability
    * (0.5 - {{ x }} / 2 * (1 + {{ rest }} / 2 + 0.375 * {{ rest }} * {{ rest }}))
{%- endmacro %}
