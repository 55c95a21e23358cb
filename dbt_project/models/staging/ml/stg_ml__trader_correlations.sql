{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per pair of traders, of the latest morning.
    Written by `python -m daily score`.
#}
with

source as (
    select * from {{ source('ml', 'trader_correlations') }}
),

final as (
    select
        ---------- keys
        prediction_date,
        trader_id,
        other_trader_id,
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
    from source
)

select * from final
