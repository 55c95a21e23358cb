{#
    Grain: one row per symbol and date on which two traders of the desk or more traded it:
    its return since the session before, at their last own fills; null where none of them
    traded it then.
#}
with

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
    where is_in_desk_total
),

prices as (
    select * from {{ ref('int_session_prices') }}
),

returns as (
    select
        account_traders.trader_id,
        prices.symbol,
        prices.trade_date,
        case
            when prices.is_next_session
                then
                    {{ to_amount(safe_divide(
                        'prices.last_unit_price - prices.opening_unit_price',
                        'prices.opening_unit_price',
                    )) }}
        end as symbol_return
    from prices
    inner join account_traders
        on
            prices.account_id = account_traders.account_id
            and prices.trade_date >= account_traders.valid_from
            and prices.trade_date < account_traders.valid_to
),

final as (
    select
        ---------- keys
        symbol,
        trade_date,
        ---------- numbers
        {{ exact_mean('symbol_return') }} as symbol_return
    from returns
    group by symbol, trade_date
    having count(distinct trader_id) > 1
)

select * from final
