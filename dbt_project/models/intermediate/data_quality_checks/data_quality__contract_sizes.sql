{#
    Grain: one row: roots of contracts whose size is another one than the broker's prices and
    unrealized have it.
#}
with

roots as (
    select
        symbol_root,
        max(coalesce(instrument_type, 'TYPE')) as instrument_type,
        max_by(symbol, trade_date) as symbol,
        max_by(account_id, trade_date) as account_id,
        max(trade_date) as trade_date,
        max_by(multiplier, trade_date) as multiplier,
        max_by(broker_multiplier, trade_date) as broker_multiplier
    from {{ ref('int_broker_multipliers') }}
    where multiplier_differs
    group by symbol_root
),

roots_ordered as (
    select
        *,
        row_number() over (order by symbol_root) as shown_order
    from roots
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
