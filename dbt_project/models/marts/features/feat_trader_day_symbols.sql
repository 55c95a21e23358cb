{#
    Grain: one row per trader and trader day D (int_trader_days).
    How widely a trader trades. Known at the close of D; windows count trader days and
    end at D.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        traded_days_count
    from {{ ref('int_trader_days') }}
),

symbol_days as (
    select
        trader_id,
        trade_date,
        symbol,
        notional,
        min(trade_date) over (partition by trader_id, symbol) as first_traded_date
    from {{ ref('int_trader_symbol_days') }}
),

diversity_days as (
    select
        trader_id,
        trade_date,
        count(*) as symbols_count,
        sum(case when first_traded_date = trade_date then 1 else 0 end)
            as new_symbols_count,
        {{ safe_divide('max(notional)', 'sum(notional)') }} as top_symbol_notional_ratio,
        {{ safe_divide(
            'sum(cast(notional as decimal(18, 2)) * cast(notional as decimal(19, 2)))',
            'cast(sum(notional) as double) * cast(sum(notional) as double)'
        ) }} as symbol_concentration
    from symbol_days
    group by trader_id, trade_date
),

days_joined as (
    select
        trader_days.trader_id,
        trader_days.trade_date,
        trader_days.traded_days_count,
        diversity_days.symbols_count,
        diversity_days.new_symbols_count,
        diversity_days.top_symbol_notional_ratio,
        diversity_days.symbol_concentration
    from trader_days
    left join diversity_days
        on
            trader_days.trader_id = diversity_days.trader_id
            and trader_days.trade_date = diversity_days.trade_date
),

windows_computed as (
    select
        *,
        avg(cast(symbols_count as double)) {{ trailing(20) }} as mean_symbols_20d,
        avg(symbol_concentration) {{ trailing(20) }} as mean_concentration_20d
    from days_joined
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- diversity
        cast(coalesce(symbols_count, 0) as bigint) as symbols_count,
        {{ safe_divide('symbols_count', 'mean_symbols_20d') }} as symbols_vs_20d_ratio,
        symbol_concentration,
        {{ safe_divide('symbol_concentration', 'mean_concentration_20d') }}
            as symbol_concentration_vs_20d_ratio,
        top_symbol_notional_ratio,
        -- On a first day every symbol is new, which says nothing.
        case
            when traded_days_count > 1
                then {{ safe_divide('new_symbols_count', 'symbols_count') }}
        end as new_symbols_ratio
    from windows_computed
)

select * from final
