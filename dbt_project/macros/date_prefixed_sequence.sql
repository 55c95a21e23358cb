{# A number within a date as one over all dates, in their order: yyyymmdd, then it. #}
{% macro date_prefixed_sequence(date, number) -%}
    (
        10000 * cast(extract(year from {{ date }}) as bigint)
        + 100 * extract(month from {{ date }}) + extract(day from {{ date }})
    ) * 10000000 + {{ number }}
{%- endmacro %}
