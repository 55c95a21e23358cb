{#
    Fails where a column's value lies outside its range; null passes. One test of all
    columns of a model, for each test costs dbt more than it costs the database.

    ranges: the least of each column and, if there is one, the most.
#}
{% test accepted_ranges(model, ranges) %}
select *
from {{ model }}
where
    {% for column, range in ranges.items() -%}
        {{ 'or ' if not loop.first }}{{ column }} < {{ range[0] }}
        {% if range | length > 1 -%}
            or {{ column }} > {{ range[1] }}
        {% endif -%}
    {% endfor %}
{% endtest %}
