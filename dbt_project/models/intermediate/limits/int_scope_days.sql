{#
    Grain: one row per scope and date of which an account in it has P&L, or of which it is
    not known whether it has: what limits on P&L are held against.
    Realized is net; total is net, adjustments and unrealized delta. Of a day that nobody
    knows, and of a week, month or streak with such a day in it, nothing is known; the
    drawdown is that of the known days, with how many are not.
    Weeks begin on Monday. The peak is that of the P&L added up, day by day, from zero:
    of total P&L where it is known and of realized else (is_total_level says whether it
    always was); money moved in or out moves it nowhere. An account begins anew on a
    reset_date of account_roles.csv.
#}
with

account_days as (
    select
        account_id,
        trade_date,
        case when is_realised_known then net_pnl end as net_pnl,
        total_pnl
    from {{ ref('int_account_total_pnl') }}
),

daily_totals as (
    select
        account_id,
        trade_date,
        fills_count > 0 or gross_pnl <> 0 or total_fees <> 0 as has_pnl
    from {{ ref('daily_totals') }}
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

resets as (
    select
        account_id,
        reset_date
    from {{ ref('int_account_resets') }}
),

scope_days as (
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        account_days.trade_date,
        {{ sum_if_known('account_days.net_pnl') }} as net_pnl,
        {{ sum_if_known('account_days.total_pnl') }} as total_pnl,
        -- A day of which nothing is known may have been one.
        max(
            case when coalesce(daily_totals.has_pnl, account_days.net_pnl is null) then 1 else 0 end
        ) = 1 as has_pnl
    from account_days
    inner join account_scopes
        on
            account_days.account_id = account_scopes.account_id
            and account_days.trade_date >= account_scopes.valid_from
            and account_days.trade_date < account_scopes.valid_to
    left join daily_totals
        on
            account_days.account_id = daily_totals.account_id
            and account_days.trade_date = daily_totals.trade_date
    group by account_scopes.scope_type, account_scopes.scope_name, account_days.trade_date
),

scope_resets as (
    select
        scope_days.scope_type,
        scope_days.scope_name,
        scope_days.trade_date,
        max(resets.reset_date) as level_since
    from scope_days
    inner join resets
        on
            scope_days.scope_type = 'account'
            and scope_days.scope_name = resets.account_id
            and scope_days.trade_date >= resets.reset_date
    group by scope_days.scope_type, scope_days.scope_name, scope_days.trade_date
),

days_begun as (
    select
        scope_days.*,
        coalesce(scope_resets.level_since, {{ min_date() }}) as level_since,
        coalesce(scope_days.total_pnl, scope_days.net_pnl) as level_change,
        sum(case when scope_days.has_pnl and scope_days.net_pnl >= 0 then 1 else 0 end) over (
            partition by scope_days.scope_type, scope_days.scope_name
            order by scope_days.trade_date
            rows between unbounded preceding and current row
        ) as streaks_ended
    from scope_days
    left join scope_resets
        on
            scope_days.scope_type = scope_resets.scope_type
            and scope_days.scope_name = scope_resets.scope_name
            and scope_days.trade_date = scope_resets.trade_date
),

days_summed as (
    select
        *,
        {% for period in ['week', 'month'] -%}
            sum(net_pnl) over {{ period }}_so_far as {{ period }}_net_pnl,
            sum(total_pnl) over {{ period }}_so_far as {{ period }}_total_pnl,
            sum(case when net_pnl is null then 1 else 0 end) over {{ period }}_so_far
                as {{ period }}_unknown_count,
            sum(case when total_pnl is null then 1 else 0 end) over {{ period }}_so_far
                as {{ period }}_total_unknown_count,
        {% endfor -%}
        sum(coalesce(level_change, 0)) over level_so_far as pnl_level,
        sum(case when level_change is null then 1 else 0 end) over level_so_far
            as level_unknown_count,
        sum(case when total_pnl is null then 1 else 0 end) over level_so_far
            as level_realised_count,
        sum(case when has_pnl and net_pnl < 0 then 1 else 0 end) over streak_so_far
            as losing_days,
        sum(case when net_pnl is null then 1 else 0 end) over streak_so_far
            as streak_unknown_count
    from days_begun
    window
        {% for period in ['week', 'month'] -%}
            {{ period }}_so_far as (
                partition by scope_type, scope_name, {{ dbt.date_trunc(period, 'trade_date') }}
                order by trade_date
                rows between unbounded preceding and current row
            ),
        {% endfor -%}
        level_so_far as (
            partition by scope_type, scope_name, level_since order by trade_date
            rows between unbounded preceding and current row
        ),
        streak_so_far as (
            partition by scope_type, scope_name, streaks_ended order by trade_date
            rows between unbounded preceding and current row
        )
),

days_peaked as (
    select
        *,
        max(case when pnl_level > 0 then pnl_level else 0 end) over (
            partition by scope_type, scope_name, level_since order by trade_date
            rows between unbounded preceding and current row
        ) as peak_level
    from days_summed
),

final as (
    select
        ---------- keys
        scope_type,
        scope_name,
        trade_date,
        ---------- money
        cast(net_pnl as decimal(38, 8)) as net_pnl,
        cast(total_pnl as decimal(38, 8)) as total_pnl,
        {% for period in ['week', 'month'] -%}
            cast(
                case when {{ period }}_unknown_count = 0 then {{ period }}_net_pnl end
                as decimal(38, 8)
            ) as {{ period }}_net_pnl,
            cast(
                case when {{ period }}_total_unknown_count = 0 then {{ period }}_total_pnl end
                as decimal(38, 8)
            ) as {{ period }}_total_pnl,
        {% endfor -%}
        cast(peak_level - pnl_level as decimal(38, 8)) as drawdown,
        ---------- numbers
        cast(case when streak_unknown_count = 0 then losing_days end as bigint)
            as losing_streak_days,
        cast(level_unknown_count as bigint) as drawdown_unknown_days_count,
        ---------- flags
        has_pnl,
        level_realised_count = 0 as is_total_level
    from days_peaked
)

select * from final
