{#
    Orders, fills and volume of an account's day are those of its regular fills, its fees
    those of all that count, and its position what was bought so far less what was sold.
#}
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
    where is_counted
    group by account_id, trade_date
),

held as (
    select
        account_id,
        trade_date,
        sum(position_quantity) as position_quantity
    from {{ ref('int_symbol_days') }}
    group by account_id, trade_date
),

days as (
    select
        daily_totals.account_id,
        daily_totals.trade_date,
        daily_totals.orders_count,
        daily_totals.fills_count,
        daily_totals.quantity,
        daily_totals.total_fees,
        held.position_quantity
    from {{ ref('daily_totals') }} as daily_totals
    inner join held
        on
            daily_totals.account_id = held.account_id
            and daily_totals.trade_date = held.trade_date
),

compared as (
    select
        coalesce(days.account_id, fills.account_id) as account_id,
        coalesce(days.trade_date, fills.trade_date) as trade_date,
        days.orders_count,
        days.fills_count,
        days.quantity,
        days.total_fees,
        days.position_quantity,
        -- A day on which a position is only carried has no fill.
        coalesce(fills.orders_count, 0) as fills_orders_count,
        coalesce(fills.fills_count, 0) as fills_fills_count,
        coalesce(fills.quantity, 0) as fills_quantity,
        coalesce(fills.total_fees, 0) as fills_total_fees,
        sum(fills.signed_quantity) over (
            partition by coalesce(days.account_id, fills.account_id)
            order by coalesce(days.trade_date, fills.trade_date)
            rows between unbounded preceding and current row
        ) as fills_position_quantity
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
    or position_quantity is distinct from fills_position_quantity
