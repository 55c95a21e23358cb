{#
    Grain: one row per trader and trader day (int_trader_days): the days on which a rule
    is tried, and the trader's usual day as it was known the evening before.
    is_path_foreknown: what is held overnight was reduced, and later the same day taken up
    again. Today's fills meet first, so the day's path knows at the one fill of the other,
    and no rule on it can be tried honestly.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        net_pnl,
        pnl_scale_20d
    from {{ ref('int_trader_days') }}
),

held_symbols as (
    select
        account_id,
        symbol,
        trade_date,
        opening_quantity
    from {{ ref('int_symbol_day_results') }}
    where opening_quantity <> 0
),

lot_matches as (
    select
        account_id,
        symbol,
        trade_date,
        buy_sequence,
        sell_sequence
    from {{ ref('int_intraday_lot_matches') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

foreknown_days as (
    select distinct
        account_traders.trader_id,
        held_symbols.trade_date
    from held_symbols
    inner join lot_matches
        on
            held_symbols.account_id = lot_matches.account_id
            and held_symbols.symbol = lot_matches.symbol
            and held_symbols.trade_date = lot_matches.trade_date
            and (held_symbols.opening_quantity > 0)
            = (lot_matches.sell_sequence < lot_matches.buy_sequence)
    inner join account_traders
        on
            held_symbols.account_id = account_traders.account_id
            and held_symbols.trade_date >= account_traders.valid_from
            and held_symbols.trade_date < account_traders.valid_to
),

final as (
    select
        ---------- keys
        trader_days.trader_id,
        trader_days.trade_date,
        ---------- money
        cast(trader_days.net_pnl as decimal(38, 8)) as net_pnl,
        {{ to_amount(
            'lag(trader_days.pnl_scale_20d) over ('
            ~ 'partition by trader_days.trader_id order by trader_days.trade_date)'
        ) }} as usual_day_amount,
        ---------- flags
        foreknown_days.trader_id is not null as is_path_foreknown
    from trader_days
    left join foreknown_days
        on
            trader_days.trader_id = foreknown_days.trader_id
            and trader_days.trade_date = foreknown_days.trade_date
)

select * from final
