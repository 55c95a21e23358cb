{#
    Grain: one row per account and symbol of which this run builds anew what positions
    carry: from first_date, the first rebuilt date, to last_date.
    What a rebuilt day changes lives on in open lots and trips. It ends at the first date
    from the last rebuilt one on at whose end the position is flat, and was when it was
    built; without such a date, for_ever. What was built is read from the raw versions it
    was built from, not from tables that a killed run may have left half new.
#}
with

rebuilt_days as (
    select
        account_id,
        trade_date,
        built_account_number,
        built_content_hash
    from {{ ref('int_rebuilt_account_days') }}
),

symbol_days as (
    select
        account_id,
        symbol,
        trade_date,
        signed_quantity
    from {{ ref('int_symbol_day_fills') }}
),

fills as (
    select
        account_number,
        trade_date,
        content_hash,
        symbol,
        is_buy,
        is_cancelled,
        quantity
    from {{ ref('stg_propreports__fills') }}
),

instruments as (
    select symbol
    from {{ ref('int_instruments') }}
    where multiplier is not null
),

changes as (
    select
        symbol_days.account_id,
        symbol_days.symbol,
        symbol_days.trade_date,
        symbol_days.signed_quantity
    from symbol_days
    inner join rebuilt_days
        on
            symbol_days.account_id = rebuilt_days.account_id
            and symbol_days.trade_date = rebuilt_days.trade_date
    union all
    select
        rebuilt_days.account_id,
        fills.symbol,
        rebuilt_days.trade_date,
        case when fills.is_buy then -fills.quantity else fills.quantity end
            as signed_quantity
    from fills
    inner join rebuilt_days
        on
            fills.account_number = rebuilt_days.built_account_number
            and fills.content_hash = rebuilt_days.built_content_hash
            and fills.trade_date = rebuilt_days.trade_date
    inner join instruments on fills.symbol = instruments.symbol
    where not fills.is_cancelled
),

symbols as (
    select
        account_id,
        symbol,
        min(trade_date) as first_rebuilt_date,
        max(trade_date) as last_rebuilt_date,
        sum(signed_quantity) as quantity_change
    from changes
    group by account_id, symbol
),

days_from_last as (
    -- All days up to the last rebuilt one as one, then day by day.
    select
        symbols.account_id,
        symbols.symbol,
        symbols.quantity_change,
        greatest(
            coalesce(symbol_days.trade_date, symbols.last_rebuilt_date),
            symbols.last_rebuilt_date
        ) as trade_date,
        sum(coalesce(symbol_days.signed_quantity, 0)) as signed_quantity
    from symbols
    left join symbol_days
        on
            symbols.account_id = symbol_days.account_id
            and symbols.symbol = symbol_days.symbol
    group by
        symbols.account_id,
        symbols.symbol,
        symbols.quantity_change,
        greatest(
            coalesce(symbol_days.trade_date, symbols.last_rebuilt_date),
            symbols.last_rebuilt_date
        )
),

positions_running as (
    select
        *,
        sum(signed_quantity) over (
            partition by account_id, symbol order by trade_date
            rows between unbounded preceding and current row
        ) as position_quantity
    from days_from_last
),

settled as (
    select
        account_id,
        symbol,
        min(case when position_quantity = 0 and quantity_change = 0 then trade_date end)
            as settled_date
    from positions_running
    group by account_id, symbol
),

final as (
    select
        symbols.account_id,
        symbols.symbol,
        symbols.first_rebuilt_date as first_date,
        coalesce(settled.settled_date, {{ for_ever() }}) as last_date
    from symbols
    inner join settled
        on symbols.account_id = settled.account_id and symbols.symbol = settled.symbol
)

select * from final
