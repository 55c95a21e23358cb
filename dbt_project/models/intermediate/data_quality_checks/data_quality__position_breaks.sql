{# Grain: one row: positions that differ from the broker's, or should not be there, still open. #}
with

open_breaks as (
    select
        difference_amount,
        account_id || ' ' || symbol || ', ours '
        || case when position_quantity = 0 then '0' else {{ plain_number('position_quantity') }} end
        || case
            when broker_position_quantity = 0 then ', the broker''s 0'
            when broker_position_quantity is not null
                then ', the broker''s ' || {{ plain_number('broker_position_quantity') }}
            else ''
        end
        || ', ' || coalesce('$' || cast(difference_amount as decimal(38, 2)), 'of unknown worth')
        || ' (' || replace(difference_class, '_', ' ') || ', ' || age_sessions_count
        || case when age_sessions_count = 1 then ' session' else ' sessions' end
        || ' old)' as break_text,
        row_number() over (
            order by difference_amount desc nulls first, account_id asc, symbol asc
        ) as shown_order
    from {{ ref('int_open_position_breaks') }}
    where status = 'open'
),

final as (
    select
        'position_breaks' as check_name,
        count(*) as found_count,
        'positions differ from the broker''s or have expired, by $'
        || cast(sum(coalesce(difference_amount, 0)) as decimal(38, 2)) || ' in all: '
        || {{ first_few_joined('break_text', '; ') }} as finding
    from open_breaks
)

select * from final
