{# Fails where a value is greater than that of the next column; null passes. #}
{% test in_order(model, columns) %}
select *
from {{ model }}
where
    false
    {% for column in columns[1:] -%}
    or {{ columns[loop.index0] }} > {{ column }}
    {% endfor %}
{% endtest %}
