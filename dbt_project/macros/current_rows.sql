{# The rows of a day-versioned staging model that belong to the current version. #}
{% macro current_rows(model, resource) -%}
    select versioned.*
    from {{ model }} as versioned
    inner join {{ ref('int_day_versions_current') }} as current_versions
        on
            versioned.account_number = current_versions.account_number
            and versioned.trade_date = current_versions.trade_date
            and versioned.content_hash = current_versions.content_hash
            and current_versions.resource = '{{ resource }}'
{%- endmacro %}
