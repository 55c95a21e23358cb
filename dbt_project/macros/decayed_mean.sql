{#
    Exponentially weighted mean of a trader's days: weight 0.5 ^ (k / half_life), k trader
    days back, over the last eight half-lives. The weights grow with the day's number
    instead of shrinking with its age, which is the same mean and one pass; 500 keeps
    them inside a double for 1,000 half-lives.
    With a condition, the mean of the days that meet it; null where none of them does.
    Source: the adjusted form of pandas' `ewm(halflife=)`.
#}
{% macro decayed_mean(expression, half_life, condition=none) -%}
    {%- set weight = 'power(2.0, trader_days_count / ' ~ half_life ~ '.0 - 500)' -%}
    {%- set weighted = expression ~ ' * ' ~ weight -%}
    {%- if condition is not none -%}
        {%- set weight = 'case when ' ~ condition ~ ' then ' ~ weight ~ ' end' -%}
        {%- set weighted = 'case when ' ~ condition ~ ' then ' ~ weighted ~ ' end' -%}
    {%- endif -%}
    sum({{ weighted }}) {{ trailing(8 * half_life) }}
    / sum({{ weight }}) {{ trailing(8 * half_life) }}
{%- endmacro %}
