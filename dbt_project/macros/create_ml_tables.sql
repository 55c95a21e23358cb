{# The tables that scoring writes, empty before the first model exists. #}
{% macro create_ml_tables() %}
create schema if not exists ml;
create table if not exists ml.predictions (
    trader_id varchar not null,
    prediction_date date not null,
    model varchar not null,
    model_version varchar not null,
    predicted_pnl decimal(18, 8),
    predicted_pnl_p05 decimal(18, 8),
    predicted_pnl_p25 decimal(18, 8),
    predicted_pnl_p50 decimal(18, 8),
    predicted_pnl_p75 decimal(18, 8),
    predicted_pnl_p95 decimal(18, 8),
    loss_probability double,
    reasons varchar,
    features_date date,
    trained_through date,
    scored_at timestamp
);
create table if not exists ml.roster (
    trader_id varchar not null,
    prediction_date date not null,
    model varchar,
    call_basis varchar not null,
    traded_days_count bigint not null,
    idle_sessions_count bigint,
    model_version varchar not null,
    scored_at timestamp
);
create table if not exists ml.model_metrics (
    model_version varchar not null,
    model varchar not null,
    trader_id varchar,
    metric varchar not null,
    metric_value double,
    rows_count bigint,
    trained_through date
);
{% endmacro %}
