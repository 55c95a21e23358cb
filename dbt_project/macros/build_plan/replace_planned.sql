{#
    The incremental strategy `replace_planned`: what the plan names is deleted, what came
    is inserted, in one transaction. dbt's delete+insert deletes only what came again, so
    a day that vanished would stay; microbatch deletes by date, and a trip that is open
    closes on a later one.

    meta planned_by: account_days, trader_days, symbol_days, scope_dates (rows on a date),
        symbol_spans (rows from opened_date to closed_date) or later_dates (all rows from
        first_later_date on). Of a staged document, documents: its tests look at those read.
    unique_key: what the new rows replace besides what is planned.
#}
{% macro replace_planned(target, new_rows) %}
    {%- if config.get('meta').planned_by == 'later_dates' %}
    delete from {{ target }} where trade_date >= {{ first_later_date() }};
    {%- else %}
    delete from {{ target }} as old_rows using {{ planned_for_replacement() }};
    {%- endif %}
    {%- if config.get('unique_key') %}
    delete from {{ target }} as old_rows using {{ new_rows }} as new_rows
    where
        {% for column in config.get('unique_key') -%}
            old_rows.{{ column }} = new_rows.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %};
    {%- endif %}
{% endmacro %}

{# The plan of the model that is built, and which old rows it names. #}
{% macro planned_for_replacement() %}
    {%- set planned_by = config.get('meta').planned_by -%}
    {%- set first_date = first_planned_date() -%}
    {%- if planned_by in ('account_days', 'trader_days') -%}
        {%- set key = 'account_id' if planned_by == 'account_days' else 'trader_id' -%}
        {{ ref('int_planned_' ~ planned_by) }} as planned
        where
            old_rows.{{ key }} = planned.{{ key }}
            and old_rows.trade_date = planned.trade_date
            and old_rows.trade_date >= {{ first_date }}
    {%- elif planned_by == 'symbol_days' -%}
        {{ ref('int_planned_symbols') }} as planned
        where
            old_rows.account_id = planned.account_id
            and old_rows.book_symbol = planned.book_symbol
            and old_rows.trade_date >= planned.first_date
            and old_rows.trade_date >= {{ first_date }}
    {%- elif planned_by == 'scope_dates' -%}
        {{ ref('int_planned_scope_dates') }} as planned
        where old_rows.trade_date = planned.trade_date
    {%- elif planned_by == 'symbol_spans' -%}
        {{ ref('int_planned_symbols') }} as planned
        where
            old_rows.account_id = planned.account_id
            and old_rows.book_symbol = planned.book_symbol
            and coalesce(old_rows.closed_date, {{ max_date() }}) >= planned.first_date
            and coalesce(old_rows.closed_date, {{ max_date() }}) >= {{ first_date }}
    {%- else -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ': meta planned_by is "' ~ planned_by ~ '"; account_days,'
            ~ ' trader_days, symbol_days, scope_dates and symbol_spans are known'
        ) -%}
    {%- endif -%}
{% endmacro %}
