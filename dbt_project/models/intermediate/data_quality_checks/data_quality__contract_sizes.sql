{#
    Grain: one row: roots of contracts whose size is another one than the broker's prices and
    unrealized have it.
#}
with

symbols_ranked as (
    select
        symbol_root,
        coalesce(instrument_type, 'TYPE') as instrument_type,
        symbol,
        account_id,
        trade_date,
        multiplier,
        broker_multiplier,
        row_number() over (
            partition by symbol_root order by trade_date desc, symbol asc
        ) as recency
    from {{ ref('int_broker_multipliers') }}
    where multiplier_differs
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
