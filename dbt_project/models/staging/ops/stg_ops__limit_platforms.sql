{{ config(tags=['after_scoring']) }}
{# Grain: one row per platform, account and limit in force on the prediction date. #}
with

source as (
    select * from {{ source('ops', 'limit_platforms') }}
),

final as (
    select
        ---------- keys
        session as session_date,
        platform,
        account_id,
        trader_id,
        limit_name,
        ---------- what
        our_value,
        their_value,
        status,
        seen_by,
        seen_how,
        ---------- times (UTC)
        sent_at,
        seen_at
    from source
)

select * from final
