{# The naive timestamp of a time of day on a date. #}
{% macro at_time(date, hour, minute) -%}
    cast({{ date }} as timestamp)
    + interval '{{ hour }}' hour + interval '{{ minute }}' minute
{%- endmacro %}
