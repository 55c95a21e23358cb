{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per approved daily loss limit (entry of the ledger and account) and
    period: the year before it took effect, and the days since while it was in force.
    What a stop at the limit, and one at what was in force before, would have done to the
    trader's own fills. It is a replay and no proof: traders might have traded otherwise,
    and a limit that was in force has shaped the days since. limit_trial is the comparison.
#}
with

limit_history as (
    select
        entry_number,
        account_id,
        trader_id,
        limit_value,
        previous_value,
        effective_session,
        expires_session,
        replaced_session
    from {{ ref('fct_limit_history') }}
    where limit_name = 'max_loss' and status = 'approved'
),

replay_days as (
    select
        trader_id,
        trade_date,
        net_pnl,
        is_path_foreknown
    from {{ ref('replay_days') }}
),

points as (
    select
        trader_id,
        trade_date,
        day_sequence,
        loss_amount,
        stop_effect
    from {{ ref('replay_points') }}
),

periods as (
    select
        limit_history.entry_number,
        limit_history.account_id,
        limit_history.trader_id,
        limit_history.limit_value,
        limit_history.previous_value,
        replay_days.trade_date,
        replay_days.net_pnl,
        replay_days.is_path_foreknown,
        case
            when replay_days.trade_date < limit_history.effective_session then 'before'
            else 'since'
        end as period
    from limit_history
    inner join replay_days
        on
            limit_history.trader_id = replay_days.trader_id
            and {{ dbt.dateadd('day', -365, 'limit_history.effective_session') }}
            <= replay_days.trade_date
            and (
                limit_history.effective_session > replay_days.trade_date
                or (
                    coalesce(limit_history.expires_session, {{ max_date() }})
                    >= replay_days.trade_date
                    and coalesce(limit_history.replaced_session, {{ max_date() }})
                    > replay_days.trade_date
                )
            )
),

reached as (
    -- The first fill that leaves the day at the limit, and at what was in force before.
    select
        periods.entry_number,
        periods.account_id,
        periods.trade_date,
        min(case when points.loss_amount >= periods.limit_value then points.day_sequence end)
            as limit_sequence,
        min(case when points.loss_amount >= periods.previous_value then points.day_sequence end)
            as previous_sequence
    from periods
    inner join points
        on
            periods.trader_id = points.trader_id
            and periods.trade_date = points.trade_date
    group by periods.entry_number, periods.account_id, periods.trade_date
),

day_effects as (
    select
        periods.*,
        reached.limit_sequence is not null as is_hit,
        {%- for stop in ['limit', 'previous'] %}
            case
                when reached.{{ stop }}_sequence is null then cast(0 as decimal(38, 8))
                when periods.is_path_foreknown then null
                else {{ stop }}_points.stop_effect
            end as {{ stop }}_effect
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from periods
    left join reached
        on
            periods.entry_number = reached.entry_number
            and periods.account_id = reached.account_id
            and periods.trade_date = reached.trade_date
    left join points as limit_points
        on
            periods.trader_id = limit_points.trader_id
            and periods.trade_date = limit_points.trade_date
            and reached.limit_sequence = limit_points.day_sequence
    left join points as previous_points
        on
            periods.trader_id = previous_points.trader_id
            and periods.trade_date = previous_points.trade_date
            and reached.previous_sequence = previous_points.day_sequence
),

totals as (
    select
        entry_number,
        account_id,
        period,
        max(trader_id) as trader_id,
        max(limit_value) as limit_value,
        max(previous_value) as previous_value,
        count(limit_effect) as days_count,
        count(*) - count(limit_effect) as unknown_days_count,
        {{ count_where('is_hit and limit_effect is not null') }} as hit_days_count,
        sum(case when limit_effect is not null then net_pnl end) as net_pnl,
        sum(limit_effect) as limit_effect,
        sum(case when previous_value is not null then previous_effect end) as previous_effect,
        cast(sum(limit_effect) as double) / nullif(count(limit_effect), 0) as mean_effect
    from day_effects
    group by entry_number, account_id, period
),

spreads as (
    select
        day_effects.entry_number,
        day_effects.account_id,
        day_effects.period,
        sum(power(cast(day_effects.limit_effect as double) - totals.mean_effect, 2)) as squares
    from day_effects
    inner join totals
        on
            day_effects.entry_number = totals.entry_number
            and day_effects.account_id = totals.account_id
            and day_effects.period = totals.period
    where day_effects.limit_effect is not null
    group by day_effects.entry_number, day_effects.account_id, day_effects.period
),

intervals as (
    -- Of the days before alone: what came since is looked at once, in a trial.
    select
        totals.*,
        case
            when
                totals.period = 'before'
                and totals.days_count >= {{ var('replay_minimum_dates') }}
                then 1.645 * {{ clustered_error(
                    'spreads.squares', 'totals.days_count', 'totals.days_count'
                ) }}
        end as half_interval
    from totals
    left join spreads
        on
            totals.entry_number = spreads.entry_number
            and totals.account_id = spreads.account_id
            and totals.period = spreads.period
),

final as (
    select
        ---------- keys
        entry_number,
        account_id,
        period,
        trader_id,
        ---------- limits
        limit_value,
        previous_value,
        ---------- counts
        days_count,
        unknown_days_count,
        hit_days_count,
        ---------- as it was, and with a stop at the limit, and at the one before
        cast(net_pnl as decimal(38, 8)) as net_pnl,
        cast(limit_effect as decimal(38, 8)) as limit_effect,
        cast(net_pnl + limit_effect as decimal(38, 8)) as replayed_net_pnl,
        cast(previous_effect as decimal(38, 8)) as previous_effect,
        mean_effect,
        mean_effect - half_interval as mean_effect_low,
        mean_effect + half_interval as mean_effect_high
    from intervals
)

select * from final
