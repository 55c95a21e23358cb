{#
    In a group, when a path was first at its extreme; null where it never left its start.

    at: a time or a number of the fill, of which the first counts.
    value: of each row; extreme: the group's, above zero or, if is_low, below it.
#}
{% macro first_reached(at, value, extreme, is_low=false) -%}
    min(
        case
            when {{ value }} = {{ extreme }} and {{ extreme }} {{ '<' if is_low else '>' }} 0
                then {{ at }}
        end
    )
{%- endmacro %}
