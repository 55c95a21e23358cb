{#
    What the models of fills are made of, in three hooks.

    begin_build, once the plan is made and before any of them changes: what they are about
    to be made of. A build that fails or is killed leaves some tables new and others not;
    the next one plans all that was begun, whatever has happened to it since.
    record_build, at the end of `dbt build`: what they are made of now, if the plan, all of
    them and every test that ran have succeeded.
    distrust_built_dates, as a run with --full-refresh begins: dates that no plan names may
    change, so publish looks at all of them.
#}
{% macro begin_build() -%}
    {{ return(adapter.dispatch('begin_build')()) }}
{%- endmacro %}

{% macro default__begin_build() -%}{%- endmacro %}

{% macro duckdb__begin_build() -%}
    {%- if execute -%}
        insert into ops.begun_fill_days by name
        select
            planned.account_id,
            fill_days.trader_id,
            planned.trade_date,
            fill_days.calendar_date,
            fill_days.account_number,
            fill_days.content_hash
        from {{ this }} as planned
        -- A day that is gone is begun with as well: its rows are about to go.
        left join {{ relation_of('int_fill_days') }} as fill_days
            on
                planned.account_id = fill_days.account_id
                and planned.trade_date = fill_days.trade_date;
        {{ remember_books() }}
    {%- endif -%}
{%- endmacro %}

{% macro distrust_built_dates() -%}
    {{ return(adapter.dispatch('distrust_built_dates')()) }}
{%- endmacro %}

{% macro default__distrust_built_dates() -%}{%- endmacro %}

{% macro duckdb__distrust_built_dates() -%}
    {%- if execute and flags.FULL_REFRESH and flags.WHICH in ('build', 'run') -%}
        update ops.built_dates set built = '{{ invocation_id }}'
    {%- endif -%}
{%- endmacro %}

{% macro record_build(results) -%}
    {{ return(adapter.dispatch('record_build')(results)) }}
{%- endmacro %}

{% macro default__record_build(results) -%}{%- endmacro %}

{% macro duckdb__record_build(results) -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set built, failed, expected = [], [], [] -%}
        {%- for result in results -%}
            {%- if result.status in ('error', 'fail', 'runtime error', 'skipped') -%}
                {%- do failed.append(result.node.name) -%}
            {%- elif
                result.node.resource_type == 'model' and 'planned' in result.node.tags
            -%}
                {%- do built.append(result.node.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and 'planned' in node.tags -%}
            {%- do expected.append(node.name) -%}
        {%- endfor -%}
        {%- if not failed and built | length == expected | length -%}
            {{ record_build_sql() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro record_build_sql() %}
    begin transaction;
    delete from ops.begun_fill_days;
    delete from ops.built_fill_days;
    insert into ops.built_fill_days by name
    select
        account_id,
        trader_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ relation_of('int_fill_days') }};
    delete from ops.built_rates;
    insert into ops.built_rates by name
    select
        currency,
        valid_from,
        exchange_rate
    from {{ relation_of('int_exchange_rates') }};
    delete from ops.built_path_scopes;
    insert into ops.built_path_scopes by name
    select
        scope_type,
        scope_name,
        account_id,
        valid_from,
        valid_to
    from {{ relation_of('int_account_scopes') }};
    delete from ops.built_symbol_books;
    {{ remember_books() }};
    -- Dates of which the rows of a mart may have changed: publish looks at these alone.
    insert or replace into ops.built_dates
    select
        marts.mart,
        touched.trade_date,
        '{{ invocation_id }}' as built
    from (
        select trade_date from {{ relation_of('int_planned_trader_days') }}
        union
        select trade_date from {{ relation_of('int_planned_account_days') }}
    ) as touched
    cross join (values ('fct_fills'), ('fct_fees'), ('replay_points')) as marts (mart);
    insert or replace into ops.built_dates
    select
        'fct_round_trips' as mart,
        trade_date,
        '{{ invocation_id }}' as built
    from (
        select trade_date from {{ relation_of('int_planned_trader_days') }}
        union
        select round_trips.opened_date
        from {{ relation_of('int_round_trips') }} as round_trips
        inner join {{ relation_of('int_planned_symbols') }} as planned
            on
                round_trips.account_id = planned.account_id
                and round_trips.book_symbol = planned.book_symbol
                and coalesce(round_trips.closed_date, {{ max_date() }})
                >= planned.first_date
    ) as touched;
    commit;
{% endmacro %}

{# The books of shares that a build is made with, as rows of ops.built_symbol_books. #}
{% macro remember_books() -%}
    insert into ops.built_symbol_books by name
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from {{ relation_of('int_symbol_books') }}
{%- endmacro %}
