{#
    Grain: one row: roots of contracts whose size is another one than the broker's prices and
    unrealized have it, on dates of the last thirty days: nobody corrects an older one.
#}
with

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

symbols_ranked as (
    select
        sizes.symbol_root,
        coalesce(sizes.instrument_type, 'TYPE') as instrument_type,
        sizes.symbol,
        sizes.account_id,
        sizes.trade_date,
        sizes.multiplier,
        sizes.broker_multiplier,
        row_number() over (
            partition by sizes.symbol_root order by sizes.trade_date desc, sizes.symbol asc
        ) as recency
    from {{ ref('int_broker_multipliers') }} as sizes
    inner join run_context on sizes.trade_date >= run_context.as_of_date - interval 30 day
    where sizes.multiplier_differs
),

roots_ordered as (
    select
        *,
        row_number() over (order by symbol_root) as shown_order
    from symbols_ranked
    where recency = 1
),

final as (
    select
        'contract_sizes' as check_name,
        count(*) as found_count,
        'contracts are worth something else by the broker''s prices and unrealized: '
        || {{ first_few_joined(
            "symbol || ' of ' || account_id || ' on ' || trade_date || ' "
            ~ "' || " ~ plain_number('broker_multiplier') ~ " || ', not ' || "
            ~ plain_number('multiplier') ~ " || ' (line: ' || symbol_root || ',' "
            ~ "|| instrument_type || ',' || " ~ plain_number('broker_multiplier')
            ~ " || ',,)'",
            '; ',
        ) }} as finding
    from roots_ordered
)

select * from final
