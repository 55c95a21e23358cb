{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per check of the models, as of the latest morning: what was found and
    how to fix it. A count of 0 is a pass. What needs attention comes first, then what is
    only reported.
#}
{{ checks_with_index('model_health', [
    'no_forecast',
    'no_advice',
    'stale_models',
    'constant_predictions',
    'miscalibrated_losses',
    'miscalibrated_limits',
    'interval_coverage',
    'prediction_drift',
    'feature_drift',
    'baseline_selected',
    'trial_running',
]) }}
