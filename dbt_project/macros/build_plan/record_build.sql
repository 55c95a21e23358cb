{#
    At the end of `dbt build`: what the models of fills are made of now, once all of them
    and every test that ran have succeeded. What a build that failed or was killed had
    planned is planned again by the next.
#}
{% macro record_build(results) -%}
    {{ return(adapter.dispatch('record_build')(results)) }}
{%- endmacro %}

{% macro default__record_build(results) -%}{%- endmacro %}

{% macro duckdb__record_build(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set built, failed = [], [] -%}
        {%- for result in results -%}
            {%- if result.status in ('error', 'fail', 'runtime error', 'skipped') -%}
                {%- do failed.append(result.node.name) -%}
            {%- elif
                result.node.resource_type == 'model' and 'backfilled' in result.node.tags
            -%}
                {%- do built.append(result.node.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set expected = [] -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and 'backfilled' in node.tags -%}
            {%- do expected.append(node.name) -%}
        {%- endfor -%}
        {%- if built and flags.FULL_REFRESH %}
            -- Dates that no plan names may have changed: publish looks at all of them.
            update ops.built_dates set built = '{{ invocation_id }}';
        {%- endif -%}
        {%- if flags.WHICH == 'build' and not failed and built | length == expected | length %}
            {{ record_build_sql() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro record_build_sql() %}
    begin transaction;
    delete from ops.built_fill_days;
    insert into ops.built_fill_days by name
    select
        account_id,
        trader_id,
        trade_date,
        account_number,
        content_hash
    from {{ relation_of('int_fill_days') }};
    -- Dates of which the rows of a mart may have changed: publish looks at these alone.
    insert or replace into ops.built_dates
    select
        'fct_fills' as mart,
        trade_date,
        '{{ invocation_id }}' as built
    from (
        select trade_date from {{ relation_of('int_planned_trader_days') }}
        union
        select trade_date from {{ relation_of('int_planned_account_days') }}
    ) as touched;
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
                and round_trips.symbol = planned.symbol
                and coalesce(round_trips.closed_date, {{ max_date() }})
                >= planned.first_date
    ) as touched;
    commit;
{% endmacro %}
