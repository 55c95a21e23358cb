{# Grain: one row per session of the exchange calendar. #}
with

source as (
    select * from {{ source('propreports', 'sessions') }}
),

final as (
    select
        session_date,
        is_early_close,
        opens_at_et,
        closes_at_et
    from source
)

select * from final
