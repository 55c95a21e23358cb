{# Fails where text begins or ends with a space: it would be another key. #}
{% test is_trimmed(model, column_name) %}
select *
from {{ model }}
where {{ column_name }} <> trim({{ column_name }})
{% endtest %}
