{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per session that the live desk has watched.
#}
with

source as (
    select * from {{ source('ops', 'live_sessions') }}
),

final as (
    select
        ---------- keys
        session_date,
        ---------- numbers
        reports_count,
        ---------- flags
        is_synthetic,
        is_complete,
        ---------- times (UTC)
        loaded_at
    from source
)

select * from final
