{#
    The first texts of a group by their shown_order, joined, and how many more there
    are; empty where there is none.
#}
{% macro first_few_joined(expression, separator=', ') -%}
    {%- set few = 5 -%}
    concat_ws(
        '',
        {{ joined_text(
            'case when shown_order <= ' ~ few ~ ' then ' ~ expression ~ ' end',
            "'" ~ separator ~ "'",
            'shown_order',
        ) }},
        case
            when count(*) > {{ few }}
                then ' and ' || (count(*) - {{ few }}) || ' more'
        end
    )
{%- endmacro %}
