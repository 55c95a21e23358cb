{# Grain: one row: identities that the broker's own summary breaks. #}
with

broker_identities as (
    select identity_name from {{ ref('int_broker_identities') }}
),

final as (
    select
        'broker_figures' as check_name,
        count(*) as found_count,
        'figures of the broker''s own summary do not add up' as finding
    from broker_identities
)

select * from final
