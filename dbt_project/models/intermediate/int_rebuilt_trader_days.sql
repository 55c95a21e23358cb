{#
    Grain: one row per trader and date of which this run builds anew what is made of fills.
    Days with a rebuilt fill, now or when it was built, and days on which a rebuilt
    position is traded.
#}
with

rebuilt_days as (
    select
        trader_id,
        built_trader_id,
        trade_date
    from {{ ref('int_rebuilt_account_days') }}
),

rebuilt_symbols as (
    select
        account_id,
        symbol,
        first_date,
        last_date
    from {{ ref('int_rebuilt_symbols') }}
),

symbol_days as (
    select
        account_id,
        symbol,
        trade_date
    from {{ ref('int_symbol_day_fills') }}
),

fill_days as (
    select
        account_id,
        trader_id,
        trade_date
    from {{ ref('int_fill_days') }}
),

final as (
    select
        trader_id,
        trade_date
    from rebuilt_days
    where trader_id is not null
    union
    select
        built_trader_id as trader_id,
        trade_date
    from rebuilt_days
    where built_trader_id is not null
    union
    select
        fill_days.trader_id,
        fill_days.trade_date
    from rebuilt_symbols
    inner join symbol_days
        on
            rebuilt_symbols.account_id = symbol_days.account_id
            and rebuilt_symbols.symbol = symbol_days.symbol
            and rebuilt_symbols.first_date <= symbol_days.trade_date
            and rebuilt_symbols.last_date >= symbol_days.trade_date
    inner join fill_days
        on
            symbol_days.account_id = fill_days.account_id
            and symbol_days.trade_date = fill_days.trade_date
)

select * from final
