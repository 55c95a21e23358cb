{#
    Overrides dbt-spark's, which goes by unix seconds: with naive timestamps its
    to_timestamp reads them as text, and every date is null.
#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {{ from_date_or_timestamp }} + interval '{{ interval }}' {{ datepart }}
{%- endmacro %}
