{# What the run writes of itself, empty before it does. #}
{% macro create_ops_tables() %}
create schema if not exists ops;
create table if not exists ops.steps (
    run_id varchar,
    step_number bigint,
    command varchar,
    step varchar,
    steps_count bigint,
    home varchar,
    started_at timestamp,
    ended_at timestamp,
    seconds double,
    outcome varchar,
    rows_count bigint,
    said varchar,
    versions varchar
);
{% endmacro %}
