{{ config(
    materialized='incremental',
    meta={'planned_by': 'scope_dates'},
    tags=['planned'],
) }}
{#
    Grain: one row per scope and date on which an account in it has a counted fill.
    The path of the day through all its accounts' fills, in time: realized net P&L from
    zero, and how far exposure moves from what is held in the morning. Fills of one second
    go by trader, each in their own order. A path with an unknown amount in it is unknown.
    A scope of which one account trades that day goes the way of that account: a walk.
#}
with

fill_results as (
    {{ planned_rows(ref('int_fill_results'), 'scope_dates') }}
),

scopes as (
    select * from {{ ref('int_account_scopes') }}
),

account_days as (
    select distinct
        account_id,
        trade_date
    from fill_results
),

scope_days as (
    select
        scopes.scope_type,
        scopes.scope_name,
        account_days.trade_date,
        case when count(*) = 1 then 'account' else scopes.scope_type end as walk_type,
        case when count(*) = 1 then max(account_days.account_id) else scopes.scope_name end
            as walk_name
    from account_days
    inner join scopes
        on
            account_days.account_id = scopes.account_id
            and account_days.trade_date >= scopes.valid_from
            and account_days.trade_date < scopes.valid_to
    group by scopes.scope_type, scopes.scope_name, account_days.trade_date
),

walks as (
    -- A number for each: windows and groups over a number cost less than over text.
    select
        walk_type,
        walk_name,
        trade_date,
        row_number() over (order by trade_date, walk_type, walk_name) as walk_number
    from scope_days
    group by walk_type, walk_name, trade_date
),

walkers as (
    select
        walks.walk_number,
        account_days.account_id,
        account_days.trade_date
    from account_days
    inner join walks
        on
            walks.walk_type = 'account'
            and account_days.account_id = walks.walk_name
            and account_days.trade_date = walks.trade_date
    union all
    select
        walks.walk_number,
        scopes.account_id,
        walks.trade_date
    from walks
    inner join scopes
        on
            walks.walk_type = scopes.scope_type
            and walks.walk_name = scopes.scope_name
            and walks.trade_date >= scopes.valid_from
            and walks.trade_date < scopes.valid_to
    where walks.walk_type <> 'account'
),

steps as (
    -- Whole cents add up exactly as doubles, and faster than decimals.
    select
        account_id,
        trader_id,
        trade_date,
        day_sequence,
        realized_gross_pnl - total_fees as net_pnl,
        is_regular,
        filled_at_et,
        cast(100 * (abs(exposure_after) - abs(exposure_before)) as double)
            as gross_cents_moved,
        cast(100 * (exposure_after - exposure_before) as double) as net_cents_moved
    from fill_results
),

paths as (
    select
        walkers.walk_number,
        steps.filled_at_et,
        steps.is_regular,
        sum(steps.net_pnl) over day_so_far as net_pnl,
        sum(steps.gross_cents_moved) over day_so_far as gross_cents_moved,
        sum(steps.net_cents_moved) over day_so_far as net_cents_moved,
        case when steps.net_pnl is null then 1 else 0 end as is_pnl_unknown,
        case when steps.net_cents_moved is null then 1 else 0 end as is_exposure_unknown
    from steps
    inner join walkers
        on
            steps.account_id = walkers.account_id
            and steps.trade_date = walkers.trade_date
    window day_so_far as (
        partition by walkers.walk_number
        order by {{ scope_order('steps') }}
        rows between unbounded preceding and current row
    )
),

summed as (
    select
        walk_number,
        sum(case when is_regular then 1 else 0 end) as fills_count,
        max(is_pnl_unknown) = 0 as is_pnl_known,
        max(is_exposure_unknown) = 0 as is_exposure_known,
        least(min(net_pnl), 0) as trough_net_pnl,
        greatest(max(gross_cents_moved), 0) as most_gross_moved,
        greatest(max(net_cents_moved), 0) as most_net_moved,
        least(min(net_cents_moved), 0) as least_net_moved
    from paths
    group by walk_number
),

moments as (
    -- The first of equal extremes; none where the path never left its start.
    select
        paths.walk_number,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.net_pnl',
            'summed.trough_net_pnl',
            is_low=true,
        ) }} as trough_at_et,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.gross_cents_moved',
            'summed.most_gross_moved',
        ) }} as gross_at_et,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.net_cents_moved',
            'summed.most_net_moved',
        ) }} as net_long_at_et,
        {{ first_reached(
            'paths.filled_at_et',
            'paths.net_cents_moved',
            'summed.least_net_moved',
            is_low=true,
        ) }} as net_short_at_et
    from paths
    inner join summed on paths.walk_number = summed.walk_number
    group by paths.walk_number
),

final as (
    select
        ---------- keys
        scope_days.scope_type,
        scope_days.scope_name,
        scope_days.trade_date,
        ---------- numbers
        cast(summed.fills_count as bigint) as fills_count,
        ---------- money
        cast(case when summed.is_pnl_known then summed.trough_net_pnl end as decimal(38, 8))
            as trough_net_pnl,
        {% for column in ['most_gross_moved', 'most_net_moved', 'least_net_moved'] -%}
            case
                when summed.is_exposure_known
                    then
                        cast(summed.{{ column }} as decimal(38, 0))
                        * cast(0.01 as decimal(3, 2))
            end as {{ column }},
        {% endfor -%}
        ---------- times; PropReports writes midnight where the time is unknown
        nullif(moments.trough_at_et, cast(scope_days.trade_date as timestamp))
            as trough_at_et,
        nullif(moments.gross_at_et, cast(scope_days.trade_date as timestamp))
            as gross_at_et,
        nullif(moments.net_long_at_et, cast(scope_days.trade_date as timestamp))
            as net_long_at_et,
        nullif(moments.net_short_at_et, cast(scope_days.trade_date as timestamp))
            as net_short_at_et
    from scope_days
    inner join walks
        on
            scope_days.walk_type = walks.walk_type
            and scope_days.walk_name = walks.walk_name
            and scope_days.trade_date = walks.trade_date
    inner join summed on walks.walk_number = summed.walk_number
    inner join moments on walks.walk_number = moments.walk_number
)

select * from final
