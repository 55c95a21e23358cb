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
        account_number,
        content_hash
    from {{ ref('int_fill_days') }}
),

fills as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        symbol,
        is_buy,
        quantity,
        price
    from {{ ref('stg_propreports__fills') }}
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
            and fills.trade_date = fill_days.trade_date
            and fills.content_hash = fill_days.content_hash
),

posted_summed as (
    select
        *,
        sum(case when symbol = old_symbol and not is_buy and not is_free then quantity else 0 end)
            over action_of_account as sold_old,
        sum(case when symbol = new_symbol and is_buy and not is_free then quantity else 0 end)
            over action_of_account as bought_new,
        sum(case when symbol = old_symbol and is_buy and not is_free then quantity else 0 end)
            over action_of_account as bought_old,
        sum(case when symbol = new_symbol and not is_buy and not is_free then quantity else 0 end)
            over action_of_account as sold_new
    from posted
    window action_of_account as (partition by account_id, old_symbol, effective_date)
),

final as (
    select distinct
        account_number,
        trade_date,
        content_hash,
        row_number
    from posted_summed
    where
        case
            when closing_price is not null
                then
                    symbol = old_symbol
                    and price = closing_price
                    and trade_date > effective_date
            else
                is_free
                or (
                    sold_old > 0 and bought_new > 0
                    and abs(bought_new * old_shares - sold_old * new_shares) < old_shares
                )
                or (
                    bought_old > 0 and sold_new > 0
                    and abs(sold_new * old_shares - bought_old * new_shares) < old_shares
                )
        end
)

select * from final
