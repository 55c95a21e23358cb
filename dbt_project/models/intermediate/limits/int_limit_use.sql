{#
    Grain: one row per scope, rule and date on which a limit holds and there is something
    to hold against it; of the daily loss of a trader also where nobody has set one.
    used_value is at the close, peak_value the most within the day, from the path of fills.
    What is held against a limit on P&L is the loss: below zero there is none.
#}
with

scope_days as (
    select * from {{ ref('int_scope_days') }}
),

paths as (
    select * from {{ ref('int_scope_paths') }}
),

exposures as (
    {% for mart, scope_type, scope_name in [
        ('fct_exposure', "'account'", 'account_id'),
        ('fct_scope_exposure', 'scope_type', 'scope_name'),
    ] -%}
        {{ "union all" if not loop.first }}
        select
            {{ scope_type }} as scope_type,
            {{ scope_name }} as scope_name,
            trade_date,
            peak_gross_exposure,
            peak_net_long_exposure,
            peak_net_short_exposure,
            overnight_gross_exposure,
            overnight_net_exposure,
            peak_gross_at,
            peak_net_long_at,
            peak_net_short_at
        from {{ ref(mart) }}
    {% endfor %}
),

account_exposures as (
    select
        account_id,
        trade_date,
        peak_quantity,
        peak_quantity_at
    from {{ ref('fct_exposure') }}
),

trips as (
    select
        account_id,
        opened_date as trade_date,
        count(*) as trips_count
    from {{ ref('int_round_trips') }}
    group by account_id, opened_date
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

limits as (
    select * from {{ ref('int_limits') }}
),

positions_ordered as (
    -- The largest in any one account and symbol: no position is two accounts'. Of equal
    -- ones the first that was reached.
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        account_exposures.trade_date,
        account_exposures.peak_quantity,
        account_exposures.peak_quantity_at,
        row_number() over (
            partition by
                account_scopes.scope_type,
                account_scopes.scope_name,
                account_exposures.trade_date
            order by
                account_exposures.peak_quantity desc nulls last,
                account_exposures.peak_quantity_at asc nulls last
        ) as position_order
    from account_exposures
    inner join account_scopes
        on
            account_exposures.account_id = account_scopes.account_id
            and account_exposures.trade_date >= account_scopes.valid_from
            and account_exposures.trade_date < account_scopes.valid_to
),

positions as (
    select
        scope_type,
        scope_name,
        trade_date,
        peak_quantity,
        peak_quantity_at
    from positions_ordered
    where position_order = 1
),

scope_trips as (
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        trips.trade_date,
        sum(trips.trips_count) as trips_count
    from trips
    inner join account_scopes
        on
            trips.account_id = account_scopes.account_id
            and trips.trade_date >= account_scopes.valid_from
            and trips.trade_date < account_scopes.valid_to
    group by account_scopes.scope_type, account_scopes.scope_name, trips.trade_date
),

pnl_days as (
    select
        scope_days.*,
        paths.scope_name is null as is_without_fills,
        paths.trough_net_pnl,
        paths.trough_at_et,
        scope_days.week_net_pnl - scope_days.net_pnl as week_pnl_before,
        scope_days.month_net_pnl - scope_days.net_pnl as month_pnl_before
    from scope_days
    left join paths
        on
            scope_days.scope_type = paths.scope_type
            and scope_days.scope_name = paths.scope_name
            and scope_days.trade_date = paths.trade_date
),

measures as (
    {% for rule, before, close, total in [
        ('daily_loss', 'cast(0 as decimal(38, 8))', 'net_pnl', 'total_pnl'),
        ('weekly_loss', 'week_pnl_before', 'week_net_pnl', 'week_total_pnl'),
        ('monthly_loss', 'month_pnl_before', 'month_net_pnl', 'month_total_pnl'),
    ] -%}
        select
            scope_type,
            scope_name,
            trade_date,
            '{{ rule }}' as rule,
            case when {{ close }} < 0 then -{{ close }} when {{ close }} >= 0 then 0 end
                as used_value,
            case when {{ total }} < 0 then -{{ total }} when {{ total }} >= 0 then 0 end
                as total_used_value,
            case
                when is_without_fills then cast(null as decimal(38, 8))
                else -({{ before }} + trough_net_pnl)
            end as path_value,
            is_without_fills,
            {{ before }} as pnl_before,
            {{ to_utc('trough_at_et') }} as path_at,
            has_pnl
        from pnl_days
        union all
    {% endfor -%}
    {% for rule, column in [('drawdown', 'drawdown'), ('losing_streak', 'losing_streak_days')] -%}
        select
            scope_type,
            scope_name,
            trade_date,
            '{{ rule }}' as rule,
            cast({{ column }} as decimal(38, 8)) as used_value,
            cast(null as decimal(38, 8)) as total_used_value,
            cast(null as decimal(38, 8)) as path_value,
            true as is_without_fills,
            cast(null as decimal(38, 8)) as pnl_before,
            cast(null as timestamp) as path_at,
            has_pnl
        from pnl_days
        union all
    {% endfor -%}
    {% for rule, close, peak, moment in [
        ('gross_exposure', 'overnight_gross_exposure', 'peak_gross_exposure', 'peak_gross_at'),
        (
            'net_exposure',
            'abs(overnight_net_exposure)',
            'case when peak_net_long_exposure >= -peak_net_short_exposure then'
            ~ ' peak_net_long_exposure else -peak_net_short_exposure end',
            'case when peak_net_long_exposure >= -peak_net_short_exposure then'
            ~ ' peak_net_long_at else peak_net_short_at end',
        ),
        (
            'overnight_exposure',
            'overnight_gross_exposure',
            'overnight_gross_exposure',
            'cast(null as timestamp)',
        ),
    ] -%}
        select
            scope_type,
            scope_name,
            trade_date,
            '{{ rule }}' as rule,
            {{ close }} as used_value,
            cast(null as decimal(38, 8)) as total_used_value,
            {{ peak }} as path_value,
            false as is_without_fills,
            cast(null as decimal(38, 8)) as pnl_before,
            {{ moment }} as path_at,
            true as has_pnl
        from exposures
        union all
    {% endfor -%}
    select
        scope_type,
        scope_name,
        trade_date,
        'position' as rule,
        peak_quantity as used_value,
        cast(null as decimal(38, 8)) as total_used_value,
        peak_quantity as path_value,
        false as is_without_fills,
        cast(null as decimal(38, 8)) as pnl_before,
        peak_quantity_at as path_at,
        true as has_pnl
    from positions
    union all
    select
        scope_type,
        scope_name,
        trade_date,
        'trades' as rule,
        trips_count as used_value,
        cast(null as decimal(38, 8)) as total_used_value,
        trips_count as path_value,
        false as is_without_fills,
        cast(null as decimal(38, 8)) as pnl_before,
        cast(null as timestamp) as path_at,
        true as has_pnl
    from scope_trips
),

measures_limited as (
    select
        measures.*,
        limits.limit_value,
        limits.warning_share,
        -- What is booked without a fill (an expiry) is in the close alone.
        case
            when measures.is_without_fills then measures.used_value
            when measures.used_value > measures.path_value then measures.used_value
            when measures.path_value < 0 then 0
            else measures.path_value
        end as peak_value
    from measures
    left join limits
        on
            measures.scope_type = limits.scope_type
            and measures.scope_name = limits.scope_name
            and measures.rule = limits.rule
            and measures.trade_date >= limits.valid_from
            and measures.trade_date < limits.valid_to
    where
        limits.limit_value is not null
        or (
            measures.scope_type = 'trader'
            and measures.rule = 'daily_loss'
            and measures.has_pnl
        )
),

final as (
    select
        ---------- keys
        scope_type,
        scope_name,
        rule,
        trade_date,
        ---------- numbers: dollars, units, days or trades
        cast(limit_value as decimal(18, 8)) as limit_value,
        cast(warning_share as decimal(18, 8)) as warning_share,
        cast(used_value as decimal(38, 8)) as used_value,
        cast(total_used_value as decimal(38, 8)) as total_used_value,
        cast(peak_value as decimal(38, 8)) as peak_value,
        cast(pnl_before as decimal(38, 8)) as pnl_before,
        ---------- flags
        coalesce(peak_value > limit_value, case when used_value > limit_value then true end)
            as is_breached,
        ---------- times
        case when path_value > 0 and peak_value = path_value then path_at end as peak_at
    from measures_limited
)

select * from final
