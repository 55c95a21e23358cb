{#
    The rows of a relation that an incremental run builds anew; every row in a full one.

    planned_by: account_days, trader_days, symbols or scope_dates: whose plan it is.
    date_column: the date that is planned; rows without one are left out.
    id_column: the column with the account or trader, where it has another name.
#}
{% macro planned_rows(relation, planned_by, date_column='trade_date', id_column=none) -%}
    {#- Named outside the condition: dbt reads dependencies before it knows the mode. -#}
    {%- set plan = ref('int_planned_' ~ planned_by) -%}
    select dated_rows.*
    from {{ relation }} as dated_rows
    {% if not is_incremental() -%}
        where dated_rows.{{ date_column }} is not null
    {%- else -%}
        inner join {{ plan }} as planned
        {% if planned_by == 'scope_dates' -%}
            on dated_rows.{{ date_column }} = planned.trade_date
        {%- elif planned_by == 'symbols' -%}
            on
                dated_rows.account_id = planned.account_id
                and dated_rows.book_symbol = planned.book_symbol
                and dated_rows.{{ date_column }} >= planned.first_date
        {%- else -%}
            {%- set key = 'trader_id' if planned_by == 'trader_days' else 'account_id' %}
            on
                dated_rows.{{ id_column or key }} = planned.{{ key }}
                and dated_rows.{{ date_column }} = planned.trade_date
        {%- endif %}
        {#- Who is in a scope changes on dates without a planned fill as well. #}
        {% if planned_by != 'scope_dates' -%}
            where dated_rows.{{ date_column }} >= {{ first_planned_date() }}
        {%- endif %}
    {%- endif %}
{%- endmacro %}
