{{ config(tags=['after_scoring']) }}
{# Grain: one row per trial of proposals and measure. #}
with

source as (
    select * from {{ source('ops', 'limit_trials') }}
),

final as (
    select
        ---------- keys
        trial,
        measure,
        ---------- what
        status,
        first_session,
        look_session,
        registered_by,
        reason,
        proposed_traders_count,
        withheld_traders_count,
        difference,
        difference_low,
        difference_high
    from source
)

select * from final
