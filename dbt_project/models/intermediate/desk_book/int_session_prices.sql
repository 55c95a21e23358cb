{{ config(materialized='view', meta={'planned_by': 'symbol_days'}) }}
{#
    Grain: one row per account, symbol and date with a counted fill: the price it was left
    at before, the first one, and the last, per unit of the account's book, so that a split is no move.
    is_next_session: whether it was left in the session just before; what lies further
    apart is no night's move.
#}
with

prices as (
    select
        account_id,
        symbol,
        trade_date,
        opening_unit_price,
        first_unit_price,
        last_unit_price,
        previous_trade_date
    from {{ ref('int_symbol_day_prices') }}
),

sessions as (
    select
        session_date,
        lag(session_date) over (order by session_date) as previous_session_date
    from {{ ref('stg_propreports__sessions') }}
),

final as (
    select
        ---------- keys
        prices.account_id,
        prices.symbol,
        prices.trade_date,
        ---------- numbers
        prices.opening_unit_price,
        prices.first_unit_price,
        prices.last_unit_price,
        ---------- flags
        coalesce(
            prices.opening_unit_price > 0
            and prices.previous_trade_date = sessions.previous_session_date,
            false
        ) as is_next_session
    from prices
    left join sessions on prices.trade_date = sessions.session_date
)

select * from final
