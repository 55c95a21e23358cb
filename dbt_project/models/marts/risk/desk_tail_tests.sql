{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date and scope with tails of earlier sessions: how those
    turned out, and what the tests could have found.
#}
with

final as (
    select
        ---------- keys
        prediction_date,
        scope_type,
        scope_name,
        ---------- text
        verdict,
        ---------- numbers
        sessions_count,
        breached_sessions_count,
        expected_breaches,
        kupiec_p_value,
        kupiec_power_half,
        kupiec_power_double,
        christoffersen_p_value,
        conditional_coverage_p_value,
        shortfall_statistic,
        shortfall_p_value,
        shortfall_power
    from {{ ref('stg_ml__desk_tail_tests') }}
)

select * from final
