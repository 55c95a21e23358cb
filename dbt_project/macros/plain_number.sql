{# A number as text, without the zeros that end its decimals. #}
{% macro plain_number(number) -%}
    trim(
        trailing '.' from
        trim(trailing '0' from cast(cast({{ number }} as decimal(38, 8)) as string))
    )
{%- endmacro %}
