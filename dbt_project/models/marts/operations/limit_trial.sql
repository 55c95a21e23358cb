{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trial of proposals and measure. Traders were assigned by a hash, the
    look was registered before the first session, and nothing is compared before it: this
    is the only comparison of limits here that shows what they caused.
#}
with

trials as (
    select * from {{ ref('stg_ops__limit_trials') }}
),

final as (
    select
        ---------- keys
        trial,
        measure,
        ---------- what was registered
        status,
        first_session,
        look_session,
        registered_by,
        reason,
        ---------- what came of it
        proposed_traders_count,
        withheld_traders_count,
        difference,
        difference_low,
        difference_high
    from trials
)

select * from final
