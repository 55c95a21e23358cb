{# Fails where a value lies outside the limits given; null passes. #}
{% test accepted_range(model, column_name, minimum=none, maximum=none) %}
select *
from {{ model }}
where
    false
    {% if minimum is not none -%}
        or {{ column_name }} < {{ minimum }}
    {%- endif %}
    {% if maximum is not none -%}
        or {{ column_name }} > {{ maximum }}
    {%- endif %}
{% endtest %}
