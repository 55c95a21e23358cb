{# Grain: one row: account-days and positions that differ from the broker's and are open. #}
with

breaks as (
    select
        trade_date,
        abs(net_difference) as amount
    from {{ ref('broker_reconciliation') }}
    where status = 'open'
),

position_breaks as (
    select trade_date
    from {{ ref('position_reconciliation') }}
    where status = 'open'
),

summed as (
    select
        (select count(*) from breaks) as breaks_count,
        (select sum(amount) from breaks) as amount,
        (select count(*) from position_breaks) as position_breaks_count,
        (select max(trade_date) from breaks) as last_break_date,
        (select max(trade_date) from position_breaks) as last_position_date
),

final as (
    select
        'broker_break' as kind,
        2 as severity,
        'desk' as scope_type,
        'desk' as scope_name,
        coalesce(
            greatest(
                coalesce(last_break_date, last_position_date),
                coalesce(last_position_date, last_break_date)
            ), {{ min_date() }}
        ) as trade_date,
        cast(null as string) as rule,
        amount,
        cast(null as decimal(18, 8)) as limit_value,
        cast(null as double) as ratio,
        breaks_count + position_breaks_count as days_count,
        cast(null as timestamp) as occurred_at,
        breaks_count || ' account-days and ' || position_breaks_count
        || ' positions differ from the broker''s'
        || case
            when amount > 0 then ', by ' || {{ dollars_text('amount') }} else ''
        end as fact,
        'open until they agree or are signed off' as comparison,
        'See marts.broker_reconciliation and position_reconciliation, status open' as what_to_do
    from summed
    where breaks_count + position_breaks_count > 0
)

select * from final
