{# Positions that this batch of the run builds anew, and from when to when within it. #}
{% macro rebuilt_symbols() -%}
    select
        account_id,
        symbol,
        greatest(first_date, {{ batch_begins() }}) as first_date,
        least(last_date, {{ batch_ends() }}) as last_date
    from {{ ref('int_rebuilt_symbols') }}
    where first_date <= {{ batch_ends() }} and last_date >= {{ batch_begins() }}
{%- endmacro %}
