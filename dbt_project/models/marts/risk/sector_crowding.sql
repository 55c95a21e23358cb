{#
    Grain: one row per date, sector or proxy of instruments.csv, and side on which two
    traders or more of the desk are overnight.
    A trader is on the side of what is net held in all of its symbols, at marks or own
    fills; one of whose positions is worth nobody knows what is on no side, and counted.
#}
with

positions as (
    select
        trader_id,
        symbol,
        trade_date,
        exposure
    from {{ ref('int_overnight_positions') }}
),

symbol_sectors as (
    select
        symbol,
        'sector' as crowded_by,
        sector as crowd_name
    from {{ ref('int_symbol_sectors') }}
    where sector is not null
    union all
    select
        symbol,
        'proxy' as crowded_by,
        proxy as crowd_name
    from {{ ref('int_symbol_sectors') }}
    where proxy is not null
),

trader_books as (
    select
        positions.trade_date,
        symbol_sectors.crowded_by,
        symbol_sectors.crowd_name,
        positions.trader_id,
        {{ sum_if_known('positions.exposure') }} as net_exposure
    from positions
    inner join symbol_sectors on positions.symbol = symbol_sectors.symbol
    group by
        positions.trade_date, symbol_sectors.crowded_by, symbol_sectors.crowd_name,
        positions.trader_id
),

unknown_traders as (
    select
        trade_date,
        crowded_by,
        crowd_name,
        count(*) as traders_count
    from trader_books
    where net_exposure is null
    group by trade_date, crowded_by, crowd_name
),

sides as (
    select
        trade_date,
        crowded_by,
        crowd_name,
        case when net_exposure > 0 then 'long' else 'short' end as side,
        count(*) as traders_count,
        sum(abs(net_exposure)) as exposure
    from trader_books
    where net_exposure <> 0
    group by
        trade_date,
        crowded_by,
        crowd_name,
        case when net_exposure > 0 then 'long' else 'short' end
    having count(*) > 1
),

final as (
    select
        ---------- keys
        sides.trade_date,
        sides.crowded_by,
        sides.crowd_name,
        sides.side,
        ---------- numbers
        sides.traders_count as overnight_traders_count,
        coalesce(unknown_traders.traders_count, 0) as unknown_traders_count,
        ---------- money
        cast(sides.exposure as decimal(38, 8)) as overnight_exposure
    from sides
    left join unknown_traders
        on
            sides.trade_date = unknown_traders.trade_date
            and sides.crowded_by = unknown_traders.crowded_by
            and sides.crowd_name = unknown_traders.crowd_name
)

select * from final
