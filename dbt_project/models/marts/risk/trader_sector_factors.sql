{#
    Grain: one row per trader and sector of instruments.csv whose market was known on one
    of the trader's last 250 days with P&L: how the two go together.
    A sector's market is that of trader_factors, of its symbols alone. Of fewer than 20
    days, or where one of the two is the same on all, nothing is said.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl,
        row_number() over (partition by trader_id order by trade_date desc) as recency
    from {{ ref('int_trader_days') }}
),

symbol_returns as (
    select
        symbol,
        trade_date,
        symbol_return
    from {{ ref('int_symbol_returns') }}
    where symbol_return is not null
),

symbol_sectors as (
    select
        symbol,
        sector
    from {{ ref('int_symbol_sectors') }}
    where sector is not null
),

sector_markets as (
    select
        symbol_sectors.sector,
        symbol_returns.trade_date,
        cast({{ exact_mean('symbol_returns.symbol_return') }} as decimal(18, 6))
            as market_return
    from symbol_returns
    inner join symbol_sectors on symbol_returns.symbol = symbol_sectors.symbol
    group by symbol_sectors.sector, symbol_returns.trade_date
),

days as (
    -- A day of unknown P&L says nothing of either.
    select
        trader_days.trader_id,
        sector_markets.sector,
        cast(trader_days.net_pnl as decimal(18, 2)) as own_pnl,
        case when trader_days.net_pnl is not null then sector_markets.market_return end
            as market_return
    from trader_days
    inner join sector_markets on trader_days.trade_date = sector_markets.trade_date
    where trader_days.recency <= 250
),

sector_sums as (
    select
        trader_id,
        sector,
        {{ factor_sums('market', 'market_return', 6) }}
    from days
    group by trader_id, sector
),

final as (
    select
        ---------- keys
        trader_id,
        sector,
        ---------- numbers
        market_days_count,
        {{ factor_correlation('market') }} as market_correlation
    from sector_sums
)

select * from final
