{#
    Grain: one row per trader: what the trader's P&L of the last 250 days with P&L goes with.
    The desk is that without the trader, on days on which anybody else had P&L. Of fewer
    than 20 days, or where one of the two is the same on all, nothing is said.
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

desk_factors as (
    select * from {{ ref('int_desk_factors') }}
),

positions as (
    select
        trader_id,
        trade_date,
        sum(exposure) as net_exposure,
        sum(abs(exposure)) as gross_exposure
    from {{ ref('int_overnight_positions') }}
    group by trader_id, trade_date
),

days as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        -- Decimals: their sums are the same in any order; products need the wider kind.
        cast(trader_days.net_pnl as decimal(18, 2)) as own_pnl,
        case
            when desk_factors.traders_count > 1
                then cast(desk_factors.net_pnl - trader_days.net_pnl as decimal(18, 2))
        end as desk_pnl_without,
        -- A day of unknown P&L says nothing of either.
        case
            when trader_days.net_pnl is not null
                then cast(desk_factors.market_return as decimal(18, 6))
        end as market_return,
        cast(
            {{ safe_divide('positions.net_exposure', 'positions.gross_exposure') }}
            as decimal(18, 6)
        ) as overnight_long_share
    from trader_days
    inner join desk_factors on trader_days.trade_date = desk_factors.trade_date
    left join positions
        on
            trader_days.trader_id = positions.trader_id
            and trader_days.trade_date = positions.trade_date
    where trader_days.recency <= 250
),

trader_sums as (
    select
        trader_id,
        {% for factor, column, digits in [
            ('desk', 'desk_pnl_without', 2), ('market', 'market_return', 6)
        ] -%}
            {{ factor_sums(factor, column, digits) }},
        {% endfor -%}
        count(overnight_long_share) as overnight_days_count,
        {{ safe_divide('sum(overnight_long_share)', 'count(overnight_long_share)') }}
            as overnight_net_to_gross
    from days
    group by trader_id
),

final as (
    select
        ---------- keys
        trader_id,
        ---------- numbers
        {% for factor in ['desk', 'market'] -%}
            {{ factor }}_days_count,
            {{ factor_correlation(factor) }} as {{ factor }}_correlation,
        {% endfor -%}
        overnight_days_count,
        overnight_net_to_gross
    from trader_sums
)

select * from final
