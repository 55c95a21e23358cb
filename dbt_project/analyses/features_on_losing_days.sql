{# How do behaviors differ between losing and other days?
   One row per feature, all traders and days; the same day, so it describes and does not
   predict. #}
with

long_features as (
    select
        'fills_vs_20d_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        fills_vs_20d_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'trip_size_vs_20d_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        trip_size_vs_20d_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'reentry_after_loss_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        reentry_after_loss_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'averaging_down_trips_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        averaging_down_trips_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'disposition_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        disposition_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'past_stop_fills_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        past_stop_fills_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'first_hour_fills_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        first_hour_fills_ratio as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'symbol_concentration' as feature_name,
        net_pnl < 0 as is_losing_day,
        symbol_concentration as feature_value
    from {{ ref('feat_trader_day') }}
    union all
    select
        'fee_rate_vs_20d_ratio' as feature_name,
        net_pnl < 0 as is_losing_day,
        fee_rate_vs_20d_ratio as feature_value
    from {{ ref('feat_trader_day') }}
)

select
    feature_name,
    count(case when is_losing_day then feature_value end) as losing_days_count,
    count(case when not is_losing_day then feature_value end) as other_days_count,
    avg(case when is_losing_day then feature_value end) as mean_on_losing_days,
    avg(case when not is_losing_day then feature_value end) as mean_on_other_days,
    (
        avg(case when is_losing_day then feature_value end)
        - avg(case when not is_losing_day then feature_value end)
    ) / nullif(stddev_samp(feature_value), 0) as difference_in_deviations
from long_features
group by feature_name
order by abs(difference_in_deviations) desc nulls last
