{#
    A table of which a run builds anew only what its plan names: the rows of
    int_rebuilt_account_days, int_rebuilt_trader_days or int_rebuilt_symbols, batch after
    batch of dates (int_rebuild_batches). A run that has no finished build before it
    (source ops.built_fill_days is empty) plans everything, and begins with an empty
    table: one way through the code, whether a day is built or all of history.
    Each batch is one transaction, so that a killed run leaves no half of one; what was
    planned is planned again until a whole build has succeeded.

    rebuilds: account_days, trader_days, symbol_days (rows on a date) or symbol_spans
        (rows from opened_date to closed_date).
    carries_state: the model reads its own rows (rows_so_far), so these go last.
    unique_key: what the new rows replace besides what is planned.
#}
{% materialization rebuilt, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set built_count = run_query(
        'select count(*) from ' ~ source('ops', 'built_fill_days')
    ).columns[0].values()[0] -%}
    {%- set batches = run_query(
        'select batch_number, first_date, last_date from '
        ~ ref('int_rebuild_batches') ~ ' order by batch_number'
    ) -%}

    {{ run_hooks(pre_hooks) }}
    {% if built_count == 0 or (existing is not none and existing.is_view) %}
        {% do adapter.drop_relation(existing) if existing is not none %}
        {% set existing = none %}
    {% elif existing is none %}
        {% do exceptions.raise_compiler_error(
            this ~ ' is missing, though builds before made it. Run `make build`, or dbt'
            ~ ' with --full-refresh.'
        ) %}
    {% endif %}
    {% if existing is none %}
        {% do run_query('create table ' ~ target_relation ~ ' as select * from ('
            ~ compiled_code ~ ') as empty_rows limit 0') %}
    {% endif %}
    {% for batch in batches.rows %}
        {% call statement('main') %}
            {{ rebuild_batch(
                target_relation,
                rebuilt_batch_sql(compiled_code, batch[1], batch[2], target_relation),
                batch[1], batch[2], existing is none and not config.get('carries_state'),
            ) }}
        {% endcall %}
        {% do adapter.commit() %}
    {% else %}
        {% call statement('main', auto_begin=false) %}
            select 0 as nothing_to_rebuild
        {% endcall %}
    {% endfor %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Elsewhere everything is built, at once. #}
{% materialization rebuilt, adapter='spark' %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}

{# The model's SQL for one batch. #}
{% macro rebuilt_batch_sql(sql, first_date, last_date, relation) %}
    {%- set begins = "date '" ~ first_date ~ "'" -%}
    {%- set sql = sql | replace(batch_begins(), begins) -%}
    {%- set sql = sql | replace(batch_ends(), "date '" ~ last_date ~ "'") -%}
    {%- if state_begins() in sql -%}
        {%- set opened = run_query(
            'select min(opened_date) from ' ~ relation ~ ' where opened_date < ' ~ begins
            ~ ' and coalesce(closed_date, ' ~ for_ever() ~ ') >= ' ~ begins
        ).columns[0].values()[0] -%}
        {%- set sql = sql | replace(state_begins(), "date '" ~ (opened or first_date) ~ "'") -%}
    {%- endif -%}
    {{ return(modules.re.sub(
        '(?s)/\\* rows so far \\*/.*?/\\* end \\*/', relation | string, sql
    )) }}
{% endmacro %}

{# One transaction: the batch's planned rows go, the new ones come. #}
{% macro rebuild_batch(relation, sql, first_date, last_date, is_empty) %}
    {%- set carries_state = config.get('carries_state') -%}
    {%- set unique_key = config.get('unique_key') -%}
    {% if carries_state %}
        create or replace temp table rebuilt_rows_{{ this.identifier }} as {{ sql }};
    {% endif %}
    {% if not is_empty %}
        delete from {{ relation }} as old_rows using {{ rebuilt_plan(first_date, last_date) }};
    {% endif %}
    {% if unique_key %}
        delete from {{ relation }} as old_rows
        using rebuilt_rows_{{ this.identifier }} as new_rows
        where
            {% for column in unique_key -%}
                old_rows.{{ column }} = new_rows.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %};
    {% endif %}
    {% if carries_state %}
        insert into {{ relation }} by name from rebuilt_rows_{{ this.identifier }};
        drop table rebuilt_rows_{{ this.identifier }};
    {% else %}
        insert into {{ relation }} by name {{ sql }};
    {% endif %}
{% endmacro %}

{# Plan and condition of the rows that a batch builds anew. #}
{% macro rebuilt_plan(first_date, last_date) %}
    {%- set begins = "date '" ~ first_date ~ "'" -%}
    {%- set ends = "date '" ~ last_date ~ "'" -%}
    {%- set rebuilds = config.require('rebuilds') -%}
    {%- if rebuilds == 'account_days' -%}
        {{ ref('int_rebuilt_account_days') }} as plan
        where
            old_rows.account_id = plan.account_id
            and old_rows.trade_date = plan.trade_date
            and old_rows.trade_date between {{ begins }} and {{ ends }}
    {%- elif rebuilds == 'trader_days' -%}
        {{ ref('int_rebuilt_trader_days') }} as plan
        where
            old_rows.trader_id = plan.trader_id
            and old_rows.trade_date = plan.trade_date
            and old_rows.trade_date between {{ begins }} and {{ ends }}
    {%- elif rebuilds == 'symbol_days' -%}
        {{ ref('int_rebuilt_symbols') }} as plan
        where
            old_rows.account_id = plan.account_id
            and old_rows.symbol = plan.symbol
            and old_rows.trade_date between plan.first_date and plan.last_date
            and old_rows.trade_date between {{ begins }} and {{ ends }}
    {%- else -%}
        {{ ref('int_rebuilt_symbols') }} as plan
        where
            old_rows.account_id = plan.account_id
            and old_rows.symbol = plan.symbol
            and plan.first_date <= {{ ends }}
            and plan.last_date >= {{ begins }}
            and old_rows.opened_date <= least(plan.last_date, {{ ends }})
            and coalesce(old_rows.closed_date, date '9999-12-31')
            >= greatest(plan.first_date, {{ begins }})
    {%- endif -%}
{% endmacro %}
