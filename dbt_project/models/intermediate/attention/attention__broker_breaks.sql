{# Grain: one row: account-days and positions that differ from the broker's and are open. #}
with

breaks as (
    select
        'day' as kind,
        trade_date,
        abs(difference_amount) as amount
    from {{ ref('broker_reconciliation') }}
    where status = 'open'
    union all
    -- Once each, however many sessions it stands.
    select
        'position' as kind,
        trade_date,
        difference_amount as amount
    from {{ ref('int_open_position_breaks') }}
    where status = 'open'
),

summed as (
    select
        {{ count_where("kind = 'day'") }} as days_count,
        {{ count_where("kind = 'position'") }} as positions_count,
        {{ count_where('amount is null') }} as unknown_count,
        sum(amount) as amount,
        max(trade_date) as last_date,
        count(*) as breaks_count
    from breaks
),

final as (
    select
        'broker_break' as kind,
        2 as severity,
        'desk' as scope_type,
        'desk' as scope_name,
        last_date as trade_date,
        cast(null as string) as rule,
        amount,
        cast(null as decimal(18, 8)) as limit_value,
        cast(null as double) as ratio,
        breaks_count as days_count,
        cast(null as timestamp) as occurred_at,
        days_count || ' account-days and ' || positions_count
        || ' positions differ from the broker''s'
        || case
            when amount > 0
                then
                    ', by ' || {{ dollars_text('amount') }}
                    || case when unknown_count > 0 then ' at least' else '' end
            else ''
        end as fact,
        'open until they agree or are signed off' as comparison,
        'See marts.broker_reconciliation and position_reconciliation, status open' as what_to_do
    from summed
    where breaks_count > 0
)

select * from final
