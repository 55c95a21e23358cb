{# Fails where an arithmetic identity does not hold exactly; a null on one side only fails. #}
{% test adds_up_to(model, expression, column) %}
select *
from {{ model }}
where ({{ expression }}) is distinct from ({{ column }})
{% endtest %}
