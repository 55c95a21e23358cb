{# How the forecasts of a group turned out. An alarm is one at level High or
   Medium, flagged is one of High or Elevated limit risk. #}
{% macro forecast_score_columns() %}
---------- what was forecast
min(prediction_date) as first_date,
max(prediction_date) as last_date,
count(distinct prediction_date) as sessions_count,
count(*) as forecasts_count,
{{ count_where('is_replayed') }} as replayed_count,
---------- right and wrong
{{ count_where('is_alarm') }} as alarms_count,
{{ count_where('is_loss') }} as losses_count,
{{ count_where('is_alarm and is_loss') }} as hits_count,
{{ count_where('is_alarm and not is_loss') }} as false_alarms_count,
{{ count_where('not is_alarm and is_loss') }} as missed_losses_count,
{{ count_where('is_limit_flagged') }} as flagged_count,
{{ count_where('is_limit_breached') }} as breaches_count,
{{ count_where('is_limit_flagged and is_limit_breached') }} as breaches_caught_count,
{{ count_where('is_inside_interval') }} as inside_interval_count,
---------- dollars
cast(sum(actual_net_pnl) as decimal(38, 8)) as actual_net_pnl,
{{ sum_or_zero('case when advised_size_effect > 0 then advised_size_effect end') }}
    as avoided_loss_amount,
{{ sum_or_zero('case when advised_size_effect < 0 then -advised_size_effect end') }}
    as missed_gain_amount,
{{ sum_or_zero('advised_size_effect') }} as advised_size_effect
{% endmacro %}
