{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per pair of traders with a forecast on the latest morning, the one of
    the lower name first.
#}
with

final as (
    select
        ---------- keys
        trader_id,
        other_trader_id,
        prediction_date,
        ---------- numbers
        overlap_days_count,
        correlation,
        correlation_low,
        correlation_high,
        shrunk_correlation,
        both_lost_days_count,
        expected_both_lost_days,
        both_lost_p_value,
        cluster_number,
        ---------- flags
        moves_together,
        loses_together
    from {{ ref('stg_ml__trader_correlations') }}
)

select * from final
