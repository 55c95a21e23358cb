{{ config(tags=['after_scoring']) }}
{# Grain: one row per entry of the ledger of limits, account and limit that it proposed. #}
with

source as (
    select * from {{ source('ops', 'limit_changes') }}
),

final as (
    select
        ---------- keys
        entry_number,
        account_id,
        trader_id,
        limit_name,
        ---------- what
        session as session_date,
        version,
        status,
        limit_type,
        limit_value,
        warning_value,
        previous_value,
        reverts_to,
        currency,
        effective_session,
        expires_session,
        ---------- who and why
        proposed_by,
        is_by_person,
        reason,
        model_version,
        decided_by,
        decision,
        ---------- times (UTC)
        proposed_at,
        decided_at
    from source
)

select * from final
