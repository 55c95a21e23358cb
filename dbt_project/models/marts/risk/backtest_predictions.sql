{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader, features date and model of the last walk-forward backtest,
    each predicted from what was known on that morning. Empty until `make backtest` ran.
#}
select
    trader_id,
    features_date,
    label_date,
    model,
    predicted_pnl,
    predicted_pnl_p05,
    predicted_pnl_p25,
    predicted_pnl_p50,
    predicted_pnl_p75,
    predicted_pnl_p95,
    loss_probability,
    realised_loss_probability,
    limit_loss_probability,
    predicted_absolute_pnl,
    actual_net_pnl
from {{ source('ml', 'backtest_predictions') }}
