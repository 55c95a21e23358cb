{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date, forecast that morning or replayed.
    Written by `python -m daily score`, and for past mornings by `python -m daily train`.
#}
with

source as (
    select * from {{ source('ml', 'desk_predictions') }}
),

final as (
    select
        ---------- keys
        prediction_date,
        is_replayed,
        ---------- money
        worst_case_pnl,
        median_pnl,
        best_case_pnl,
        one_in_hundred_pnl,
        one_in_hundred_low,
        one_in_hundred_high,
        ---------- numbers
        traders_count,
        scenarios_count
    from source
)

select * from final
