{{ config(materialized='incremental', meta={'planned_by': 'later_dates'}) }}
{#
    Grain: one row per symbol, date and side: the most traders of the desk who were on that
    side at the same time, and how much they held when they first were so many.
    A trader's accounts count as one position. The day begins with what was held before;
    what is held is worth what the desk's own fill at that moment says.
    Of dates from the first that is planned on: what is held is carried to all later ones.
#}
{% set first_date = first_later_date() %}
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

openings as (
    select
        account_id,
        symbol,
        trade_date,
        opening_quantity
    from {{ ref('int_symbol_day_results') }}
    where trade_date >= {{ first_date }}
    union all
    -- What is not traded is held all day long.
    select
        account_id,
        symbol,
        trade_date,
        position_quantity as opening_quantity
    from {{ ref('int_held_days') }}
    where not has_fills and trade_date >= {{ first_date }}
),

fills as (
    select
        account_id,
        symbol,
        trade_date,
        fill_sequence,
        filled_at_et,
        has_fill_time,
        case when is_buy then quantity else -quantity end as signed_quantity,
        price,
        multiplier,
        exchange_rate
    from {{ ref('int_fills_matched') }}
    where trade_date >= {{ first_date }}
),

all_trader_openings as (
    select
        account_traders.trader_id,
        openings.symbol,
        openings.trade_date,
        sum(openings.opening_quantity) as opening_quantity
    from openings
    inner join account_traders
        on
            openings.account_id = account_traders.account_id
            and openings.trade_date >= account_traders.valid_from
            and openings.trade_date < account_traders.valid_to
    group by account_traders.trader_id, openings.symbol, openings.trade_date
),

crowded_days as (
    -- One who held or traded it alone is no crowd, and its fills need not be looked at.
    select
        symbol,
        trade_date
    from all_trader_openings
    group by symbol, trade_date
    having count(*) > 1
),

trader_openings as (
    select all_trader_openings.*
    from all_trader_openings
    inner join crowded_days
        on
            all_trader_openings.symbol = crowded_days.symbol
            and all_trader_openings.trade_date = crowded_days.trade_date
),

desk_openings as (
    select
        symbol,
        trade_date,
        {{ count_where('opening_quantity > 0') }} as long_count,
        {{ count_where('opening_quantity < 0') }} as short_count,
        sum(greatest(opening_quantity, 0)) as long_quantity,
        sum(greatest(-opening_quantity, 0)) as short_quantity
    from trader_openings
    group by symbol, trade_date
),

trader_fills as (
    select
        account_traders.trader_id,
        fills.*,
        trader_openings.opening_quantity
        + sum(fills.signed_quantity) over (
            partition by account_traders.trader_id, fills.symbol, fills.trade_date
            order by fills.filled_at_et, fills.account_id, fills.fill_sequence
            rows between unbounded preceding and current row
        ) as quantity_after
    from fills
    inner join account_traders
        on
            fills.account_id = account_traders.account_id
            and fills.trade_date >= account_traders.valid_from
            and fills.trade_date < account_traders.valid_to
    inner join trader_openings
        on
            account_traders.trader_id = trader_openings.trader_id
            and fills.symbol = trader_openings.symbol
            and fills.trade_date = trader_openings.trade_date
),

moves as (
    select
        *,
        quantity_after - signed_quantity as quantity_before
    from trader_fills
),

steps as (
    select
        *,
        case when quantity_after > 0 then 1 else 0 end
        - case when quantity_before > 0 then 1 else 0 end as long_step,
        case when quantity_after < 0 then 1 else 0 end
        - case when quantity_before < 0 then 1 else 0 end as short_step
    from moves
),

moments_after_fills as (
    select
        steps.symbol,
        steps.trade_date,
        row_number() over day_so_far as moment,
        steps.long_step,
        steps.short_step,
        steps.filled_at_et,
        steps.has_fill_time,
        steps.price,
        steps.multiplier,
        steps.exchange_rate,
        desk_openings.long_count + sum(steps.long_step) over day_so_far as long_count,
        desk_openings.long_quantity
        + sum(
            greatest(steps.quantity_after, 0)
            - greatest(steps.quantity_before, 0)
        ) over day_so_far as long_quantity,
        desk_openings.short_count + sum(steps.short_step) over day_so_far as short_count,
        desk_openings.short_quantity
        + sum(
            greatest(-steps.quantity_after, 0)
            - greatest(-steps.quantity_before, 0)
        ) over day_so_far as short_quantity
    from steps
    inner join desk_openings
        on
            steps.symbol = desk_openings.symbol
            and steps.trade_date = desk_openings.trade_date
    window day_so_far as (
        partition by steps.symbol, steps.trade_date
        order by steps.filled_at_et, steps.account_id, steps.fill_sequence
        rows between unbounded preceding and current row
    )
),

moments as (
    -- A count is first at its most when one more trader has joined the side.
    select
        symbol,
        trade_date,
        moment,
        filled_at_et,
        has_fill_time,
        price,
        multiplier,
        exchange_rate,
        long_count,
        long_quantity,
        short_count,
        short_quantity
    from moments_after_fills
    where long_step > 0 or short_step > 0
    union all
    -- Before the first fill it is worth what that one says, where there is one.
    select
        desk_openings.symbol,
        desk_openings.trade_date,
        0 as moment,
        cast(null as timestamp) as filled_at_et,
        false as has_fill_time,
        first_fills.price,
        first_fills.multiplier,
        first_fills.exchange_rate,
        desk_openings.long_count,
        desk_openings.long_quantity,
        desk_openings.short_count,
        desk_openings.short_quantity
    from desk_openings
    left join moments_after_fills as first_fills
        on
            desk_openings.symbol = first_fills.symbol
            and desk_openings.trade_date = first_fills.trade_date
            and first_fills.moment = 1
),

peaks as (
    select
        symbol,
        trade_date,
        max(long_count) as long_count,
        max(short_count) as short_count
    from moments
    group by symbol, trade_date
),

first_moments as (
    -- Of moments with as many traders the first.
    select
        peaks.symbol,
        peaks.trade_date,
        min(case when moments.long_count = peaks.long_count then moments.moment end)
            as long_moment,
        min(case when moments.short_count = peaks.short_count then moments.moment end)
            as short_moment
    from moments
    inner join peaks
        on moments.symbol = peaks.symbol and moments.trade_date = peaks.trade_date
    group by peaks.symbol, peaks.trade_date
),

sides as (
    {% for side in ['long', 'short'] -%}
        {{ "union all" if not loop.first }}
        select
            moments.symbol,
            moments.trade_date,
            '{{ side }}' as side,
            moments.filled_at_et,
            moments.has_fill_time,
            moments.price,
            moments.multiplier,
            moments.exchange_rate,
            moments.{{ side }}_count as traders_count,
            moments.{{ side }}_quantity as quantity
        from moments
        inner join first_moments
            on
                moments.symbol = first_moments.symbol
                and moments.trade_date = first_moments.trade_date
                and moments.moment = first_moments.{{ side }}_moment
    {% endfor %}
),

final as (
    select
        ---------- keys
        symbol,
        trade_date,
        side,
        ---------- numbers
        cast(traders_count as bigint) as traders_count,
        cast(quantity as decimal(38, 8)) as quantity,
        ---------- money
        {{ exposure_of('quantity', 'nullif(price, 0)', 'multiplier', 'exchange_rate') }}
            as exposure,
        ---------- times
        case when has_fill_time then filled_at_et end as peak_at_et
    from sides
)

select * from final
