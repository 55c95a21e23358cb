{# Fails for each key that only one of the two relations has. #}
{% test same_rows(model, other, columns) %}
    {%- set keys = columns | join(', ') %}
    (select {{ keys }} from {{ model }} except select {{ keys }} from {{ other }})
    union all
    (select {{ keys }} from {{ other }} except select {{ keys }} from {{ model }})
{% endtest %}
