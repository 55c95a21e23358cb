{#
    Orders, fills and volume of an account's day are those of its regular fills, its fees
    those of all that count, and its position that of the day before and what was bought
    less what was sold. Of days built anew.
#}
{% set first_date = first_tested_date() %}
with

fills as (
    select
        account_id,
        trade_date,
        count(distinct case when is_regular then order_id end) as orders_count,
        count(case when is_regular then quantity end) as fills_count,
        coalesce(sum(case when is_regular then quantity end), 0) as quantity,
        sum(total_fees) as total_fees,
        sum(signed_quantity) as signed_quantity
    from {{ ref('int_fills_current') }}
    where is_counted and trade_date >= {{ first_date }}
    group by account_id, trade_date
),

held as (
    select
        account_id,
        trade_date,
        sum(position_quantity) as position_quantity
    from {{ ref('int_symbol_days') }}
    -- What is held has a row at each session, so the day before is never further back.
    where trade_date >= {{ first_date }} - interval 10 day
    group by account_id, trade_date
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
        coalesce(fills.total_fees, 0) as fills_total_fees,
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
