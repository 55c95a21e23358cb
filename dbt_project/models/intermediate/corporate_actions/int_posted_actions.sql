{#
    Grain: one row per fill that the broker posted for a corporate action of the desk's
    lines: the action says what becomes of the lots, so the fill moves nothing again.
    Within so many days of the effective date no regular fill, but
    - free shares, or shares taken away, at price 0;
    - out and in, of all that was posted, at the ratio but for less than a share;
    - what was closed at the price of the expiry or merger, after its date.
#}
{% set days = var('corporate_action_posting_days') %}

with

actions as (
    select
        symbol,
        effective_date,
        action,
        new_symbol,
        new_shares,
        old_shares,
        closing_price
    from {{ ref('int_corporate_actions') }}
),

fill_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_fill_days') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        row_number,
        symbol,
        is_buy,
        quantity,
        price
    from {{ ref('int_fills_dated') }}
    where not is_regular and not is_cancelled
),

posted as (
    select
        fill_days.account_id,
        fills.*,
        actions.symbol as old_symbol,
        actions.new_symbol,
        actions.effective_date,
        actions.new_shares,
        actions.old_shares,
        actions.closing_price,
        actions.action = 'split' and fills.price = 0 as is_free
    from actions
    inner join fills
        on
            fills.symbol in (actions.symbol, actions.new_symbol)
            and fills.trade_date
            between actions.effective_date - interval {{ days }} day
            and actions.effective_date + interval {{ days }} day
    inner join fill_days
        on
            fills.account_number = fill_days.account_number
            and fills.calendar_date = fill_days.calendar_date
            and fills.trade_date = fill_days.trade_date
            and fills.content_hash = fill_days.content_hash
),

sides as (
    -- A long goes out by a sale of the old and comes in by a purchase of the new.
    select
        *,
        case when symbol = old_symbol and not is_buy and not is_free then quantity else 0 end
            as sold_old,
        case when symbol = new_symbol and is_buy and not is_free then quantity else 0 end
            as bought_new,
        case when symbol = old_symbol and is_buy and not is_free then quantity else 0 end
            as bought_old,
        case when symbol = new_symbol and not is_buy and not is_free then quantity else 0 end
            as sold_new
    from posted
),

sides_summed as (
    -- Both on one date, or out on one and in on another.
    select
        *,
        sum(sold_old) over that_day as sold_old_that_day,
        sum(sold_old) over in_all as sold_old_in_all,
        sum(bought_new) over that_day as bought_new_that_day,
        sum(bought_new) over in_all as bought_new_in_all,
        sum(bought_old) over that_day as bought_old_that_day,
        sum(bought_old) over in_all as bought_old_in_all,
        sum(sold_new) over that_day as sold_new_that_day,
        sum(sold_new) over in_all as sold_new_in_all
    from sides
    where closing_price is null and not is_free
    window
        that_day as (
            partition by account_id, old_symbol, effective_date, trade_date
        ),
        in_all as (partition by account_id, old_symbol, effective_date)
),

final as (
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from sides
    where
        is_free
        or (symbol = old_symbol and price = closing_price and trade_date > effective_date)
    union
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from sides_summed
    where
        (
            sold_old_that_day > 0
            and bought_new_that_day > 0
            and abs(bought_new_that_day * old_shares - sold_old_that_day * new_shares) < old_shares
        )
        or (
            bought_old_that_day > 0
            and sold_new_that_day > 0
            and abs(sold_new_that_day * old_shares - bought_old_that_day * new_shares) < old_shares
        )
        or (
            sold_old_in_all > 0
            and bought_new_in_all > 0
            and abs(bought_new_in_all * old_shares - sold_old_in_all * new_shares) < old_shares
        )
        or (
            bought_old_in_all > 0
            and sold_new_in_all > 0
            and abs(sold_new_in_all * old_shares - bought_old_in_all * new_shares) < old_shares
        )
)

select * from final
