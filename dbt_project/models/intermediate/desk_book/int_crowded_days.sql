{#
    Grain: one row per symbol and date on which two traders of the desk held it or traded
    it; the others are no crowd, and their fills need not be looked at.
#}
with

results as (
    select
        account_id,
        symbol,
        trade_date
    from {{ ref('int_symbol_day_results') }}
),

held_days as (
    select
        account_id,
        symbol,
        trade_date
    from {{ ref('int_held_days') }}
    where not has_fills
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

all_days as (
    select * from results
    union all
    select * from held_days
),

final as (
    select
        ---------- keys
        all_days.symbol,
        all_days.trade_date
    from all_days
    inner join account_traders
        on
            all_days.account_id = account_traders.account_id
            and all_days.trade_date >= account_traders.valid_from
            and all_days.trade_date < account_traders.valid_to
    group by all_days.symbol, all_days.trade_date
    having count(distinct account_traders.trader_id) > 1
)

select * from final
