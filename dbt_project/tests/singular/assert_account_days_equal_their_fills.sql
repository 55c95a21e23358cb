{#
    Orders, fills and volume of an account's day are those of its regular fills, its fees
    those of all that count, and its position that of the day before and what was bought
    less what was sold, but of shares that a corporate action concerns. Of days built anew.
#}
{% set first_date = first_tested_date() %}
with

changed_books as (
    select distinct
        account_id,
        book_symbol
    from {{ ref('int_symbol_books') }}
),

fills as (
    select
        fills.account_id,
        fills.trade_date,
        count(distinct case when fills.is_regular then fills.order_id end) as orders_count,
        count(case when fills.is_regular then fills.quantity end) as fills_count,
        coalesce(sum(case when fills.is_regular then fills.quantity end), 0) as quantity,
        case when count(*) = count(fills.total_fees) then sum(fills.total_fees) end
            as total_fees,
        sum(
            case
                when changed_books.account_id is null and not fills.is_corporate_action
                    then fills.signed_quantity
            end
        ) as signed_quantity
    from {{ ref('int_fills_current') }} as fills
    left join changed_books
        on
            fills.account_id = changed_books.account_id
            and fills.book_symbol = changed_books.book_symbol
    where fills.is_counted and fills.trade_date >= {{ first_date }}
    group by fills.account_id, fills.trade_date
),

held as (
    select
        symbol_days.account_id,
        symbol_days.trade_date,
        sum(
            case
                when changed_books.account_id is null then symbol_days.position_quantity
                else 0
            end
        ) as position_quantity
    from {{ ref('int_symbol_days') }} as symbol_days
    left join changed_books
        on
            symbol_days.account_id = changed_books.account_id
            and symbol_days.book_symbol = changed_books.book_symbol
    -- What is held has a row at each session, so the day before is never further back.
    where symbol_days.trade_date >= {{ first_date }} - interval 10 day
    group by symbol_days.account_id, symbol_days.trade_date
),

held_moved as (
    select
        account_id,
        trade_date,
        position_quantity - lag(position_quantity, 1, cast(0 as decimal(38, 8))) over (
            partition by account_id order by trade_date
        ) as position_change
    from held
),

days as (
    select
        daily_totals.account_id,
        daily_totals.trade_date,
        daily_totals.orders_count,
        daily_totals.fills_count,
        daily_totals.quantity,
        daily_totals.total_fees,
        held_moved.position_change
    from {{ ref('daily_totals') }} as daily_totals
    inner join held_moved
        on
            daily_totals.account_id = held_moved.account_id
            and daily_totals.trade_date = held_moved.trade_date
    where daily_totals.trade_date >= {{ first_date }}
),

compared as (
    select
        coalesce(days.account_id, fills.account_id) as account_id,
        coalesce(days.trade_date, fills.trade_date) as trade_date,
        days.orders_count,
        days.fills_count,
        days.quantity,
        days.total_fees,
        days.position_change,
        -- A day on which a position is only carried has no fill.
        coalesce(fills.orders_count, 0) as fills_orders_count,
        coalesce(fills.fills_count, 0) as fills_fills_count,
        coalesce(fills.quantity, 0) as fills_quantity,
        case when fills.account_id is null then 0 else fills.total_fees end
            as fills_total_fees,
        coalesce(fills.signed_quantity, 0) as fills_position_change
    from days
    full outer join fills
        on days.account_id = fills.account_id and days.trade_date = fills.trade_date
)

select
    account_id,
    trade_date
from compared
where
    orders_count is distinct from fills_orders_count
    or fills_count is distinct from fills_fills_count
    or quantity is distinct from fills_quantity
    or total_fees is distinct from fills_total_fees
    or position_change is distinct from fills_position_change
