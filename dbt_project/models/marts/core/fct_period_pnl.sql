{#
    Grain: one row per period (month, year), what it is of (scope) and which one. The
    period that is not over is to date.
    Sums are of what is known, so that those of accounts add up to those of traders, groups
    and strategies; days that are not whole are counted beside them. Gross and fees count
    where both are known. Whatever is of the
    desk leaves out what is in no total of it. Of a symbol no adjustment is known, of a
    route nothing unrealized either, of a fee its amount alone.
#}
with

account_days as (
    select * from {{ ref('int_account_total_pnl') }}
),

traders as (
    select
        trader_id,
        trader_group,
        strategy,
        valid_from,
        valid_to
    from {{ ref('dim_traders') }}
),

symbol_days as (
    select
        account_id,
        symbol,
        trade_date,
        gross_pnl,
        total_fees,
        unrealized_delta
    from {{ ref('int_symbol_days') }}
),

route_days as (
    select
        account_id,
        trade_date,
        route,
        gross_pnl,
        total_fees,
        is_incomplete
    from {{ ref('int_route_days') }}
),

lots_without_fill as (
    select
        account_id,
        closed_date,
        gross_pnl
    from {{ ref('int_overnight_lot_matches') }}
    where closed_date is not null and closing_sequence is null
),

fees as (
    select
        account_id,
        trade_date,
        fee_name,
        fee_amount
    from {{ ref('fct_fees') }}
),

equity_days as (
    select
        account_id,
        trade_date,
        high_water_mark,
        drawdown_from_peak
    from {{ ref('fct_account_equity') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

days_of_desk as (
    select
        account_id,
        trade_date
    from account_days
    where is_in_desk_total
),

days_of_traders as (
    select
        account_days.*,
        coalesce(traders.trader_group, 'none') as trader_group,
        coalesce(traders.strategy, 'none') as strategy
    from account_days
    left join traders
        on
            account_days.trader_id = traders.trader_id
            and account_days.trade_date >= traders.valid_from
            and account_days.trade_date < traders.valid_to
),

symbols_of_desk as (
    select symbol_days.*
    from symbol_days
    inner join days_of_desk
        on
            symbol_days.account_id = days_of_desk.account_id
            and symbol_days.trade_date = days_of_desk.trade_date
),

routes_of_desk as (
    select
        route_days.route,
        route_days.trade_date,
        route_days.gross_pnl,
        route_days.total_fees,
        case when route_days.is_incomplete then 1 end as is_incomplete
    from route_days
    inner join days_of_desk
        on
            route_days.account_id = days_of_desk.account_id
            and route_days.trade_date = days_of_desk.trade_date
    union all
    -- An expiry closes what is open without a fill.
    select
        'none' as route,
        lots_without_fill.closed_date as trade_date,
        lots_without_fill.gross_pnl,
        0 as total_fees,
        case when lots_without_fill.gross_pnl is null then 1 end as is_incomplete
    from lots_without_fill
    inner join days_of_desk
        on
            lots_without_fill.account_id = days_of_desk.account_id
            and lots_without_fill.closed_date = days_of_desk.trade_date
),

fees_of_desk as (
    select
        fees.fee_name,
        fees.trade_date,
        sum(fees.fee_amount) as fee_amount,
        max(case when fees.fee_amount is null then 1 end) as is_incomplete
    from fees
    inner join days_of_desk
        on
            fees.account_id = days_of_desk.account_id
            and fees.trade_date = days_of_desk.trade_date
    group by fees.fee_name, fees.trade_date
),

parts as (
    {% for scope, name, condition in [
        ('account', 'account_id', 'true'),
        ('desk', "'desk'", 'is_in_desk_total'),
        ('trader', 'trader_id', 'is_in_desk_total'),
        ('trader_group', 'trader_group', 'is_in_desk_total'),
        ('strategy', 'strategy', 'is_in_desk_total'),
    ] -%}
        select
            '{{ scope }}' as scope,
            {{ name }} as scope_name,
            trade_date,
            case when net_pnl is not null then gross_pnl end as gross_pnl,
            case when net_pnl is not null then total_fees end as total_fees,
            net_pnl,
            adjustments_amount,
            unrealized_delta,
            total_pnl,
            case when is_realised_known then 0 else 1 end as is_incomplete,
            case when total_pnl is null then 1 else 0 end as is_unknown
        from days_of_traders
        where {{ condition }}
        union all
    {% endfor -%}
    select
        'symbol' as scope,
        symbol as scope_name,
        trade_date,
        case when total_fees is not null then gross_pnl end as gross_pnl,
        case when gross_pnl is not null then total_fees end as total_fees,
        gross_pnl - total_fees as net_pnl,
        null as adjustments_amount,
        unrealized_delta,
        gross_pnl - total_fees + unrealized_delta as total_pnl,
        case when gross_pnl - total_fees is null then 1 else 0 end as is_incomplete,
        case when gross_pnl - total_fees + unrealized_delta is null then 1 else 0 end
            as is_unknown
    from symbols_of_desk
    union all
    select
        'route' as scope,
        route as scope_name,
        trade_date,
        gross_pnl,
        total_fees,
        gross_pnl - total_fees as net_pnl,
        null as adjustments_amount,
        null as unrealized_delta,
        null as total_pnl,
        is_incomplete,
        null as is_unknown
    from routes_of_desk
    union all
    select
        'fee' as scope,
        fee_name as scope_name,
        trade_date,
        null as gross_pnl,
        fee_amount as total_fees,
        null as net_pnl,
        null as adjustments_amount,
        null as unrealized_delta,
        null as total_pnl,
        is_incomplete,
        null as is_unknown
    from fees_of_desk
),

scope_days as (
    select
        scope,
        scope_name,
        trade_date,
        sum(gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees,
        sum(net_pnl) as net_pnl,
        sum(adjustments_amount) as adjustments_amount,
        sum(unrealized_delta) as unrealized_delta,
        sum(total_pnl) as total_pnl,
        max(is_incomplete) as is_incomplete,
        max(is_unknown) as is_unknown
    from parts
    group by scope, scope_name, trade_date
),

periods as (
    {% for period in ['month', 'year'] -%}
        select
            '{{ period }}' as period,
            cast({{ dbt.date_trunc(period, 'trade_date') }} as date) as period_start,
            cast({{ dbt.date_trunc(period, dbt.dateadd(period, 1, 'trade_date')) }} as date)
                as next_period_start,
            *
        from scope_days
        {{ 'union all' if not loop.last }}
    {% endfor -%}
),

sums as (
    select
        period,
        period_start,
        next_period_start,
        scope,
        scope_name,
        max(trade_date) as last_date,
        count(*) as days_count,
        sum(is_incomplete) as incomplete_days_count,
        sum(is_unknown) as unknown_days_count,
        sum(gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees,
        sum(net_pnl) as net_pnl,
        sum(adjustments_amount) as adjustments_amount,
        sum(unrealized_delta) as unrealized_delta,
        sum(total_pnl) as total_pnl
    from periods
    group by period, period_start, next_period_start, scope, scope_name
),

final as (
    select
        ---------- keys
        sums.period,
        sums.period_start,
        sums.scope,
        sums.scope_name,
        ---------- numbers
        cast(sums.days_count as bigint) as days_count,
        cast(sums.incomplete_days_count as bigint) as incomplete_days_count,
        cast(sums.unknown_days_count as bigint) as unknown_days_count,
        ---------- money
        cast(sums.gross_pnl as decimal(38, 8)) as gross_pnl,
        cast(sums.total_fees as decimal(38, 8)) as total_fees,
        cast(sums.net_pnl as decimal(38, 8)) as net_pnl,
        cast(sums.adjustments_amount as decimal(38, 8)) as adjustments_amount,
        cast(sums.unrealized_delta as decimal(38, 8)) as unrealized_delta,
        cast(sums.total_pnl as decimal(38, 8)) as total_pnl,
        cast(equity_days.high_water_mark as decimal(38, 8)) as high_water_mark,
        cast(equity_days.drawdown_from_peak as decimal(38, 8)) as drawdown_from_peak,
        ---------- flags
        sums.next_period_start <= run_context.as_of_date as is_complete
    from sums
    cross join run_context
    left join equity_days
        on
            sums.scope = 'account'
            and sums.scope_name = equity_days.account_id
            and sums.last_date = equity_days.trade_date
)

select * from final
