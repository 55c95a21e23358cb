{# As dbt_utils' of that name, of these columns: each row that only one relation has. #}
{% test equality(model, compare_model, compare_columns) %}
    {%- set columns = compare_columns | join(', ') %}
    (select {{ columns }} from {{ model }} except select {{ columns }} from {{ compare_model }})
    union all
    (select {{ columns }} from {{ compare_model }} except select {{ columns }} from {{ model }})
{% endtest %}
