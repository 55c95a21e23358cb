{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per session and account with a fill: the figures that the live desk
    showed last.
#}
with

source as (
    select * from {{ source('ops', 'live_accounts') }}
),

final as (
    select
        ---------- keys
        session_date,
        account_id,
        ---------- text
        trader_id,
        ---------- money
        gross_pnl,
        estimated_fees,
        net_pnl
    from source
)

select * from final
