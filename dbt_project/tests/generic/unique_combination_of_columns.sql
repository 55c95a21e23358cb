{# As dbt_utils' of that name; a null in the key fails too. #}
{% test unique_combination_of_columns(model, combination_of_columns) %}
select
    {{ combination_of_columns | join(', ') }},
    count(*) as rows_count
from {{ model }}
group by {{ combination_of_columns | join(', ') }}
having
    count(*) > 1
    {% for column in combination_of_columns -%}
    or {{ column }} is null
    {% endfor %}
{% endtest %}
