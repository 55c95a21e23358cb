{#
    The tables that training, scoring and `make backtest` write, empty before they do.
    A warehouse of before gains the columns it lacks: the history of calls in it is kept.
#}
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
    limit_loss_probability double,
    reasons varchar,
    change_reasons varchar,
    loss_speaker varchar,
    pnl_speaker varchar,
    quantiles_speaker varchar,
    features_date date,
    trained_through date,
    scored_at timestamp
);
alter table ml.predictions add column if not exists limit_loss_probability double;
alter table ml.predictions add column if not exists change_reasons varchar;
alter table ml.predictions add column if not exists loss_speaker varchar;
alter table ml.predictions add column if not exists pnl_speaker varchar;
alter table ml.predictions add column if not exists quantiles_speaker varchar;
create table if not exists ml.roster (
    trader_id varchar not null,
    prediction_date date not null,
    model varchar,
    call_basis varchar not null,
    traded_days_count bigint not null,
    idle_sessions_count bigint,
    model_version varchar not null,
    scores_fingerprint varchar,
    scored_at timestamp
);
alter table ml.roster add column if not exists scores_fingerprint varchar;
create table if not exists ml.model_metrics (
    model_version varchar not null,
    model varchar not null,
    trader_id varchar,
    period varchar,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    rows_count bigint,
    trained_through date
);
alter table ml.model_metrics add column if not exists period varchar;
alter table ml.model_metrics add column if not exists value_low double;
alter table ml.model_metrics add column if not exists value_high double;
create table if not exists ml.registry (
    model_version varchar not null,
    model varchar not null,
    trader_id varchar,
    as_of date,
    trained_from date,
    trained_through date,
    rows_count bigint,
    traders_count bigint,
    features_count bigint,
    features varchar,
    parameters varchar,
    seed bigint,
    code_commit varchar,
    code_fingerprint varchar,
    data_fingerprint varchar,
    loss_speaker varchar,
    pnl_speaker varchar,
    quantiles_speaker varchar,
    trained_at timestamp
);
create table if not exists ml.feature_drift (
    model_version varchar not null,
    prediction_date date not null,
    feature_name varchar not null,
    reference_mean double,
    recent_mean double,
    reference_null_ratio double,
    recent_null_ratio double,
    stability_index double,
    recent_count bigint
);
create table if not exists ml.policy_advice (
    trader_id varchar not null,
    prediction_date date not null,
    policy varchar not null,
    position_multiplier double,
    is_live boolean not null,
    is_trial boolean not null,
    trial varchar
);
create table if not exists ml.policy_comparison (
    as_of date not null,
    policy varchar not null,
    other_policy varchar not null,
    unit varchar not null,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    policy_rows_count bigint,
    other_rows_count bigint
);
create table if not exists ml.replayed_calls (
    trader_id varchar not null,
    features_date date not null,
    prediction_date date,
    model varchar not null,
    model_version varchar not null,
    predicted_pnl decimal(18, 8),
    predicted_pnl_p05 decimal(18, 8),
    predicted_pnl_p25 decimal(18, 8),
    predicted_pnl_p50 decimal(18, 8),
    predicted_pnl_p75 decimal(18, 8),
    predicted_pnl_p95 decimal(18, 8),
    loss_probability double,
    limit_loss_probability double,
    policy varchar not null,
    position_multiplier double,
    daily_loss_limit_amount decimal(18, 8),
    pnl_scale double
);
create table if not exists ml.desk_predictions (
    prediction_date date not null,
    is_replayed boolean not null,
    predicted_pnl decimal(38, 8),
    worst_case_pnl decimal(38, 8),
    median_pnl decimal(38, 8),
    best_case_pnl decimal(38, 8),
    traders_count bigint,
    scenarios_count bigint
);
create table if not exists ml.backtest_predictions (
    trader_id varchar not null,
    features_date date not null,
    label_date date not null,
    model varchar not null,
    predicted_pnl decimal(18, 8),
    predicted_pnl_p05 decimal(18, 8),
    predicted_pnl_p25 decimal(18, 8),
    predicted_pnl_p50 decimal(18, 8),
    predicted_pnl_p75 decimal(18, 8),
    predicted_pnl_p95 decimal(18, 8),
    loss_probability double,
    limit_loss_probability double,
    actual_net_pnl decimal(38, 8)
);
create table if not exists ml.backtest_metrics (
    model varchar not null,
    trader_id varchar,
    period varchar,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    rows_count bigint
);
create table if not exists ml.backtest_policies (
    policy varchar not null,
    metric varchar not null,
    metric_value double,
    value_low double,
    value_high double,
    rows_count bigint
);
{% endmacro %}
