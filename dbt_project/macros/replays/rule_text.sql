{# A rule as `make what-if` reads it, from its parts. #}
{% macro rule_text(kind, threshold, is_usual_days, minutes) -%}
    case
        when {{ kind }} = 'cool_down'
            then concat(
                'cool_down ', cast({{ minutes }} as string),
                ' after ', {{ plain_number(threshold) }}
            )
        else concat(
            {{ kind }}, ' ', {{ plain_number(threshold) }},
            case when {{ is_usual_days }} then 'x' else '' end
        )
    end
{%- endmacro %}
