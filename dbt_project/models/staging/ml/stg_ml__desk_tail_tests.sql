{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date and scope.
    Written by `python -m daily score`.
#}
with

source as (
    select * from {{ source('ml', 'desk_tail_tests') }}
),

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
    from source
)

select * from final
