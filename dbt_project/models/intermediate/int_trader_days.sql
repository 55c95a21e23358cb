{#
    Grain: one row per trader and traded day: a date with at least one regular fill in
    any of the trader's accounts.
    Everything here is known at the close of that date.
    Sums run over decimals, so that two builds of the same fills agree to the last bit.
#}
with

account_days as (
    select
        trader_id,
        trade_date,
        orders_count,
        fills_count,
        quantity,
        gross_pnl,
        total_fees,
        net_pnl,
        open_symbols_count
    from {{ ref('int_account_days') }}
),

fills as (
    select
        trader_id,
        symbol,
        trade_date,
        filled_at_et,
        has_fill_time,
        is_buy,
        -- To the cent, so that sums of squares fit 38 digits.
        cast(
            {{ exact_product('quantity', 'price', 'multiplier') }} as decimal(18, 2)
        ) as notional
    from {{ ref('int_fills_current') }}
    where is_counted and is_regular
),

round_trips as (
    select
        trader_id,
        closed_date as trade_date,
        net_pnl,
        opened_date,
        {{ dbt.datediff('opened_at_et', 'closed_at_et', 'second') }} as held_seconds
    from {{ ref('int_round_trips') }}
    where is_closed
),

trader_days as (
    select
        trader_id,
        trade_date,
        sum(orders_count) as orders_count,
        sum(fills_count) as fills_count,
        sum(quantity) as quantity,
        sum(gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees,
        sum(net_pnl) as net_pnl,
        sum(open_symbols_count) as open_symbols_count
    from account_days
    group by trader_id, trade_date
    having sum(fills_count) > 0
),

fill_days as (
    select
        trader_id,
        trade_date,
        sum(case when has_fill_time then 1 else 0 end) as timed_fills_count,
        sum(
            case
                when
                    has_fill_time
                    and extract(hour from filled_at_et) < {{ var('morning_ends_at_hour') }}
                    then 1
                else 0
            end
        ) as morning_fills_count,
        sum(case when is_buy then notional else 0 end) as bought_notional,
        sum(notional) as notional,
        {{ safe_ratio('sum(notional)', 'count(*)') }} as mean_fill_notional,
        -- DuckDB multiplies two DECIMAL(18, 2) in 64 bits; one digit more is enough.
        cast(sum(notional * cast(notional as decimal(19, 2))) as double) / count(*)
            as mean_square_fill_notional,
        min(case when has_fill_time then filled_at_et end) as first_fill_at_et,
        max(case when has_fill_time then filled_at_et end) as last_fill_at_et
    from fills
    group by trader_id, trade_date
),

symbol_days as (
    select
        trader_id,
        trade_date,
        symbol,
        sum(notional) as notional
    from fills
    group by trader_id, trade_date, symbol
),

diversity_days as (
    select
        trader_id,
        trade_date,
        count(*) as symbols_count,
        {{ safe_ratio(
            'sum(cast(notional as decimal(18, 2)) * cast(notional as decimal(19, 2)))',
            'cast(sum(notional) as double) * cast(sum(notional) as double)'
        ) }} as symbol_concentration
    from symbol_days
    group by trader_id, trade_date
),

trip_days as (
    select
        trader_id,
        trade_date,
        count(*) as closed_trips_count,
        sum(case when net_pnl > 0 then 1 else 0 end) as won_trips_count,
        sum(case when net_pnl > 0 then net_pnl else 0 end) as won_trips_pnl,
        sum(case when net_pnl < 0 then -net_pnl else 0 end) as lost_trips_pnl,
        min(net_pnl) as worst_trip_pnl,
        {{ safe_ratio(
            'sum(case when opened_date = trade_date then held_seconds end)',
            '60 * sum(case when opened_date = trade_date then 1 end)'
        ) }} as mean_holding_minutes
    from round_trips
    group by trader_id, trade_date
),

final as (
    select
        ---------- keys
        trader_days.trader_id,
        trader_days.trade_date,
        ---------- counts
        cast(trader_days.orders_count as bigint) as orders_count,
        cast(trader_days.fills_count as bigint) as fills_count,
        cast(coalesce(trip_days.closed_trips_count, 0) as bigint) as closed_trips_count,
        cast(coalesce(trip_days.won_trips_count, 0) as bigint) as won_trips_count,
        cast(diversity_days.symbols_count as bigint) as symbols_count,
        cast(fill_days.timed_fills_count as bigint) as timed_fills_count,
        cast(fill_days.morning_fills_count as bigint) as morning_fills_count,
        cast(trader_days.open_symbols_count as bigint) as open_symbols_count,
        ---------- money
        trader_days.gross_pnl,
        trader_days.total_fees,
        trader_days.net_pnl,
        trip_days.won_trips_pnl,
        trip_days.lost_trips_pnl,
        trip_days.worst_trip_pnl,
        ---------- activity
        trader_days.quantity,
        fill_days.notional,
        fill_days.bought_notional,
        fill_days.mean_fill_notional,
        -- Rounding may take a hair below zero what is zero: sizes that are all equal.
        sqrt(
            greatest(
                fill_days.mean_square_fill_notional
                - fill_days.mean_fill_notional * fill_days.mean_fill_notional,
                0
            )
        ) as stddev_fill_notional,
        diversity_days.symbol_concentration,
        trip_days.mean_holding_minutes,
        cast(
            {{ dbt.datediff('first_fill_at_et', 'last_fill_at_et', 'second') }}
            / 60.0 as double
        ) as active_minutes
    from trader_days
    inner join fill_days
        on
            trader_days.trader_id = fill_days.trader_id
            and trader_days.trade_date = fill_days.trade_date
    inner join diversity_days
        on
            trader_days.trader_id = diversity_days.trader_id
            and trader_days.trade_date = diversity_days.trade_date
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
)

select * from final
