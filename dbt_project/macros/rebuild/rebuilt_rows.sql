{#
    The rows of a relation that this batch of the run builds anew.

    whose: account, trader or symbol; the plan is int_rebuilt_<whose>_days, or
        int_rebuilt_symbols.
    dated: the column whose date is planned.
#}
{% macro rebuilt_rows(relation, whose, dated='trade_date') -%}
    select dated_rows.*
    from {{ relation }} as dated_rows
    {% if whose == 'symbol' -%}
        inner join {{ ref('int_rebuilt_symbols') }} as rebuilt_symbols
            on
                dated_rows.account_id = rebuilt_symbols.account_id
                and dated_rows.symbol = rebuilt_symbols.symbol
                and dated_rows.{{ dated }} between
                rebuilt_symbols.first_date and rebuilt_symbols.last_date
    {%- else -%}
        inner join {{ ref('int_rebuilt_' ~ whose ~ '_days') }} as rebuilt_days
            on
                dated_rows.{{ whose }}_id = rebuilt_days.{{ whose }}_id
                and dated_rows.{{ dated }} = rebuilt_days.trade_date
    {%- endif %}
    where dated_rows.{{ dated }} between {{ batch_begins() }} and {{ batch_ends() }}
{%- endmacro %}
