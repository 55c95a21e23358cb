{#
    Grain: one row per batch of dates that the models of fills are built in, in order.
    A batch holds about var rebuild_batch_fills fills, so that memory does not grow with
    history. The last one has no end: what a correction moves may lie later.
#}
with

rebuilt_days as (
    select
        trade_date,
        sum(fills_count) as fills_count
    from {{ ref('int_rebuilt_account_days') }}
    group by trade_date
),

fills_running as (
    select
        trade_date,
        floor(
            (
                sum(fills_count) over (
                    order by trade_date
                    rows between unbounded preceding and current row
                ) - fills_count
            )
            / {{ var('rebuild_batch_fills') }}
        ) as batch_group
    from rebuilt_days
),

batches as (
    select
        min(trade_date) as first_rebuilt_date,
        row_number() over (order by min(trade_date)) as batch_number
    from fills_running
    group by batch_group
),

final as (
    select
        batch_number,
        first_rebuilt_date as first_date,
        coalesce(
            cast(
                {{ dbt.dateadd(
                    'day', -1, 'lead(first_rebuilt_date) over (order by batch_number)'
                ) }} as date
            ),
            {{ for_ever() }}
        ) as last_date
    from batches
)

select * from final
