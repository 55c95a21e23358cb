{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per platform, account and limit in force on the prediction date: what is
    approved, and what is known of it there, as the ledger had it when the risk marts were
    built (`make status` has it at once).
#}
with

platforms as (
    select * from {{ ref('stg_ops__limit_platforms') }}
),

final as (
    select
        ---------- keys
        session_date,
        platform,
        account_id,
        trader_id,
        limit_name,
        ---------- what is in force, and what stood there
        our_value,
        their_value,
        status,
        ---------- who looked, and how
        seen_by,
        seen_how,
        ---------- times (UTC)
        sent_at,
        seen_at
    from platforms
)

select * from final
