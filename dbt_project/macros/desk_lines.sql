{#
    The lines that count of the version that holds of a file of the desk; none where it has
    none. What is wrong with the others: stg_desk__refused_lines.
#}
{% macro desk_lines(file_name) %}
    select lines.*
    from {{ source('desk', 'desk_' ~ file_name) }} as lines
    inner join {{ ref('stg_desk__files') }} as files
        on
            lines.content_hash = files.content_hash
            and files.file_name = '{{ file_name }}'
    where lines.refused_for is null
{% endmacro %}
