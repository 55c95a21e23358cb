{#
    The rows of a relation that this batch of the run builds anew.

    whose: account or trader; the plan is int_rebuilt_<whose>_days.
    dated: the column whose date is planned.
#}
{% macro rebuilt_rows(relation, whose, dated='trade_date') -%}
    select dated_rows.*
    from {{ relation }} as dated_rows
    inner join {{ ref('int_rebuilt_' ~ whose ~ '_days') }} as rebuilt_days
        on
            dated_rows.{{ whose }}_id = rebuilt_days.{{ whose }}_id
            and dated_rows.{{ dated }} = rebuilt_days.trade_date
    where dated_rows.{{ dated }} between {{ batch_begins() }} and {{ batch_ends() }}
{%- endmacro %}
