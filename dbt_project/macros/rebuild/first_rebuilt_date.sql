{#
    The first date of what this run builds anew, as a literal: DuckDB skips what lies
    before it without a look. Nothing planned, nothing to look at: for_ever.
#}
{% macro first_rebuilt_date() -%}
    {{ return(adapter.dispatch('first_rebuilt_date')()) }}
{%- endmacro %}

{% macro default__first_rebuilt_date() -%}
    {{ since_ever() }}
{%- endmacro %}

{% macro duckdb__first_rebuilt_date() -%}
    {%- set batches = api.Relation.create(
        database=target.database, schema='intermediate', identifier='int_rebuild_batches'
    ) -%}
    {{ date_of_query('select min(first_date) from ' ~ batches) }}
{%- endmacro %}

{# The first date of which fills came since the last finished build, as a literal. #}
{% macro first_loaded_date() -%}
    {{ date_of_query(
        "select min(trade_date) from raw.day_versions where resource = 'fills' "
        ~ "and first_seen_at > coalesce((select seen_through from ops.built_with), "
        ~ "timestamp '1900-01-01')"
    ) }}
{%- endmacro %}

{% macro date_of_query(sql) -%}
    {%- if execute -%}
        cast('{{ run_query(sql).columns[0].values()[0] or "9999-12-31" }}' as date)
    {%- else -%}
        {{ since_ever() }}
    {%- endif -%}
{%- endmacro %}
