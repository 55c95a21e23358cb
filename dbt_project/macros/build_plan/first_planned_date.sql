{#
    The first date that is planned, as a literal: DuckDB skips what lies before it without
    a look. Nothing planned, nothing to look at: max_date.
#}
{% macro first_planned_date() -%}
    {%- set plan = relation_of('int_planned_account_days') -%}
    {%- if plan -%}
        {{ date_of_query('select min(trade_date) from ' ~ plan) }}
    {%- else -%}
        {#- `dbt docs generate` compiles what was never built. -#}
        {{ min_date() }}
    {%- endif -%}
{%- endmacro %}

{# From which date on a model reads what it builds anew: in a full run, all. #}
{% macro first_built_date() -%}
    {{ first_planned_date() if is_incremental() else min_date() }}
{%- endmacro %}

{#
    From which calendar date on a model reads documents of fills: a session that it builds
    anew may have begun on an earlier date.
#}
{% macro first_read_date() -%}
    {%- set fill_days = relation_of('int_fill_days') -%}
    {%- if is_incremental() and fill_days -%}
        {{ date_of_query(
            'select min(calendar_date) from ' ~ fill_days
            ~ ' where trade_date >= ' ~ first_planned_date()
        ) }}
    {%- else -%}
        {{ min_date() }}
    {%- endif -%}
{%- endmacro %}

{#
    From which date on an incremental model reads the fills of spans (opened_date to
    closed_date) that were open when what is planned begins.
#}
{% macro first_open_date() -%}
    {%- if is_incremental() -%}
        {%- set planned = first_planned_date() -%}
        {{ date_of_query(
            'select min(opened_date) from (select opened_date from ' ~ this
            ~ ' where opened_date < ' ~ planned ~ ' and coalesce(closed_date, '
            ~ max_date() ~ ') >= ' ~ planned ~ ' union all select ' ~ planned ~ ')'
        ) }}
    {%- else -%}
        {{ min_date() }}
    {%- endif -%}
{%- endmacro %}

{#
    From which date on a model of what is carried to all later dates is built anew: that of
    the first planned day, or of the first fill of an account whose scopes have changed; or
    the last that it holds, for a date may come without a fill.
#}
{% macro first_later_date() -%}
    {#- Named outside the condition: dbt reads dependencies before it knows the mode. -#}
    {%- set scopes = ref('int_account_scopes') -%}
    {%- set built_scopes = ref('stg_ops__built_path_scopes') -%}
    {%- set fill_days, plan = ref('int_fill_days'), ref('int_planned_account_days') -%}
    {%- if is_incremental() -%}
        {%- set columns = 'scope_type, scope_name, account_id, valid_from, valid_to' -%}
        {%- set now = 'select ' ~ columns ~ ' from ' ~ scopes -%}
        {%- set then = 'select ' ~ columns ~ ' from ' ~ built_scopes -%}
        {{ date_of_query(
            'select min(first_date) from ('
            ~ 'select min(trade_date) as first_date from ' ~ plan
            ~ ' union all select max(trade_date) from ' ~ this
            ~ ' union all select min(fill_days.trade_date) from ' ~ fill_days
            ~ ' as fill_days inner join ((' ~ now ~ ' except ' ~ then ~ ') union all ('
            ~ then ~ ' except ' ~ now ~ ')) as changed'
            ~ ' on fill_days.account_id = changed.account_id)'
        ) }}
    {%- else -%}
        {{ min_date() }}
    {%- endif -%}
{%- endmacro %}

{#
    The first date with fills of a version that no build has taken on, as a literal: before
    there is a plan, of which documents the tests are about.
#}
{% macro first_unbuilt_date() -%}
    {%- set versions = source('propreports', 'day_versions') -%}
    {{ date_of_query(
        'select min(versions.trade_date) from (select account_number, trade_date, '
        ~ 'max_by(content_hash, known_at) as content_hash, '
        ~ 'max_by(rows_count, known_at) as rows_count from ' ~ versions
        ~ " where resource = 'fills' group by account_number, trade_date) as versions "
        ~ 'left join ops.built_fill_days as built '
        ~ 'on versions.account_number = built.account_number '
        ~ 'and versions.trade_date = built.calendar_date '
        ~ 'and versions.content_hash = built.content_hash '
        ~ 'where versions.rows_count > 0 and built.account_number is null'
    ) }}
{%- endmacro %}

{# From which date on a data test looks: see get_where_subquery. #}
{% macro first_tested_date() -%}
    {{ first_planned_date() if tests_new_rows_only() else min_date() }}
{%- endmacro %}

{# Whether data tests look at what the run built anew alone: `make build` asks for it. #}
{% macro tests_new_rows_only() -%}
    {{ return(env_var('TEST_NEW_ROWS_ONLY', 'false') == 'true') }}
{%- endmacro %}

{% macro date_of_query(sql) -%}
    {%- if execute -%}
        cast('{{ dbt.run_query(sql).columns[0].values()[0] or "9999-12-31" }}' as date)
    {%- else -%}
        {{ min_date() }}
    {%- endif -%}
{%- endmacro %}
