{#
    Of a group's whole numbers, a row for the first, and for each that is at least
    `distance` beyond the last one taken.
#}
{% macro taken_apart(number, distance) -%}
    {{ return(adapter.dispatch('taken_apart')(number, distance)) }}
{%- endmacro %}

{% macro default__taken_apart(number, distance) -%}
    unnest(list_reduce(
        list([{{ number }}] order by {{ number }}),
        lambda taken, further:
            case
                when further[1] >= taken[-1] + {{ distance }} then list_concat(taken, further)
                else taken
            end
    ))
{%- endmacro %}

{% macro spark__taken_apart(number, distance) -%}
    explode(aggregate(
        array_sort(collect_list({{ number }})),
        array(min({{ number }})),
        (taken, further) ->
            case
                when further >= element_at(taken, -1) + {{ distance }}
                    then concat(taken, array(further))
                else taken
            end
    ))
{%- endmacro %}
