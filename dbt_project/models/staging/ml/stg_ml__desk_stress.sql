{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per prediction date, stress and its place among those of its kind.
    Written by `python -m daily score`.
#}
with

source as (
    select * from {{ source('ml', 'desk_stress') }}
),

final as (
    select
        ---------- keys
        prediction_date,
        stress,
        stress_order,
        ---------- text
        worst_trader_id,
        ---------- money
        pnl,
        worst_trader_pnl,
        ---------- numbers
        traders_count,
        ---------- dates
        first_session_date,
        last_session_date
    from source
)

select * from final
