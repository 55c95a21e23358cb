{#
    Grain: one row per symbol of whose contract the broker's positions show the size: as its
    prices and unrealized have it on the last date that tells (int_position_differences). If
    one account's position agrees with our size, others of that date differ for another reason.
#}
with

positions_ranked as (
    select
        account_id,
        symbol,
        trade_date,
        multiplier,
        broker_multiplier,
        multiplier_differs,
        row_number() over (
            partition by symbol
            order by trade_date desc, multiplier_differs asc, account_id asc
        ) as recency
    from {{ ref('position_reconciliation') }}
    where broker_multiplier is not null
),

instruments as (
    select
        symbol,
        symbol_root,
        instrument_type
    from {{ ref('int_instruments') }}
),

final as (
    select
        positions_ranked.symbol,
        instruments.symbol_root,
        instruments.instrument_type,
        positions_ranked.account_id,
        positions_ranked.trade_date,
        positions_ranked.multiplier,
        positions_ranked.broker_multiplier,
        positions_ranked.multiplier_differs
    from positions_ranked
    inner join instruments on positions_ranked.symbol = instruments.symbol
    where positions_ranked.recency = 1
)

select * from final
