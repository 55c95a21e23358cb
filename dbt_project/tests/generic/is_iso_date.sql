{# Fails where text is no date as YYYY-MM-DD; null passes. #}
{% test is_iso_date(model, column_name) %}
select *
from {{ model }}
where {{ column_name }} not like '____-__-__'
{% endtest %}
