{# The lines of the version that holds of a file of the desk; none where it has no line. #}
{% macro desk_lines(file_name) %}
    select lines.*
    from {{ source('desk', 'desk_' ~ file_name) }} as lines
    inner join {{ ref('stg_desk__files') }} as files
        on
            lines.content_hash = files.content_hash
            and files.file_name = '{{ file_name }}'
{% endmacro %}
