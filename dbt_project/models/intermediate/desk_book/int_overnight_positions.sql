{#
    Grain: one row per account, symbol and date at whose end the account holds a position,
    of accounts that are in the desk's totals: what it is worth at the mark, or at the
    account's own last fill where there is none. What has neither, or no exchange rate, is
    worth nobody knows what.
#}
with

held_exposures as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity,
        overnight_exposure
    from {{ ref('int_held_exposures') }}
    where position_quantity <> 0
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
    where is_in_desk_total
),

final as (
    select
        ---------- keys
        held_exposures.account_id,
        held_exposures.symbol,
        held_exposures.trade_date,
        account_traders.trader_id,
        ---------- numbers
        held_exposures.position_quantity,
        ---------- money
        held_exposures.overnight_exposure as exposure
    from held_exposures
    inner join account_traders
        on
            held_exposures.account_id = account_traders.account_id
            and held_exposures.trade_date >= account_traders.valid_from
            and held_exposures.trade_date < account_traders.valid_to
)

select * from final
