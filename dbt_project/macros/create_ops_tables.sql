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
create table if not exists ops.built_fill_days (
    account_id varchar not null,
    trader_id varchar not null,
    trade_date date not null,
    account_number varchar not null,
    content_hash varchar not null
);
create table if not exists ops.built_with (
    fingerprint varchar not null
);
create table if not exists ops.built_dates (
    mart varchar not null,
    partition_date date not null,
    built varchar not null,
    primary key (mart, partition_date)
);
{% endmacro %}
