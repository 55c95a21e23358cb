{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per session, source and id of a fill that stood when the live desk's
    journal ended: without those that were busted, corrected where they were.
#}
with

source as (
    select * from {{ source('ops', 'live_fills') }}
),

final as (
    select
        ---------- keys
        session_date,
        source,
        exec_id,
        ---------- text
        account_id,
        symbol,
        side,
        ---------- numbers
        quantity,
        price,
        ---------- times (UTC)
        executed_at
    from source
)

select * from final
