{#
    Grain: one row per break of a position that stands, open or signed off: as it is on
    its last day.
#}
with

reconciliation as (
    select
        account_id,
        symbol,
        trade_date,
        difference_class,
        difference_amount,
        status,
        first_seen,
        age_sessions_count,
        owner,
        position_quantity,
        broker_position_quantity
    from {{ ref('position_reconciliation') }}
    where status in ('open', 'signed_off')
),

breaks_ranked as (
    select
        *,
        row_number() over (
            partition by account_id, symbol, first_seen order by trade_date desc
        ) as recency
    from reconciliation
),

final as (
    select
        account_id,
        symbol,
        trade_date,
        difference_class,
        difference_amount,
        status,
        first_seen,
        age_sessions_count,
        owner,
        position_quantity,
        broker_position_quantity
    from breaks_ranked
    where recency = 1
)

select * from final
