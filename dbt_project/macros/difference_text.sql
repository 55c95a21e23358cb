{#
    How much more or less the broker has, in words; null where the two agree.
    `one` and `many` name what is counted; without `many` it is an amount in dollars.
#}
{% macro difference_text(difference, agrees, one, many=none) -%}
    case
        when not {{ agrees }}
            then
                '{{ "" if many else "$" }}' || trim(
                    trailing '.' from
                    trim(
                        trailing '0' from
                        cast(cast(abs({{ difference }}) as decimal(38, 4)) as string)
                    )
                )
                || case
                    when {{ difference }} > 0 then ' more '
                    else '{{ " fewer " if many else " less " }}'
                end
                || case
                    when abs({{ difference }}) = 1 then '{{ one }}' else '{{ many or one }}'
                end
    end
{%- endmacro %}
