{#
    Grain: one row per trader and trader day D (int_trader_days).
    How a trader's P&L runs. Known at the close of D; windows count trader
    days, not calendar days, and end at D. Scaled figures are over pnl_scale_20d, the
    mean absolute net P&L of the last 20 trader days.
#}
with

trader_days as (
    select
        trader_id,
        trade_date,
        trader_days_count,
        traded_days_count,
        is_traded_day,
        gross_pnl,
        total_fees,
        notional,
        net_pnl as exact_net_pnl,
        pnl_scale_20d,
        cast(net_pnl as double) as net,
        {{ safe_divide('total_fees', 'notional') }} as fee_rate,
        case when net_pnl < 0 then 1 else 0 end as is_loss,
        case when net_pnl > 0 then 1 else 0 end as is_win
    from {{ ref('int_trader_days') }}
),

trip_days as (
    select
        trader_id,
        trade_date,
        closed_trips_count,
        won_trips_count,
        losing_trips_count,
        won_trips_pnl,
        losing_trips_pnl,
        worst_trip_pnl
    from {{ ref('int_trader_day_closed_trips') }}
),

sessions as (
    select
        session_date,
        row_number() over (order by session_date) as session_number
    from {{ ref('stg_propreports__sessions') }}
),

sessions_before as (
    -- Sessions up to and including a date, whether it is one or not.
    select
        dates.trade_date,
        count(sessions.session_number) as sessions_count
    from (select distinct trade_date from trader_days) as dates
    left join sessions on dates.trade_date >= sessions.session_date
    group by dates.trade_date
),

days_joined as (
    select
        trader_days.*,
        sessions_before.sessions_count,
        case when sessions.session_date is null then 0 else 1 end as is_session,
        trip_days.closed_trips_count,
        trip_days.won_trips_count,
        trip_days.losing_trips_count,
        trip_days.won_trips_pnl,
        trip_days.losing_trips_pnl,
        trip_days.worst_trip_pnl,
        sum(trader_days.exact_net_pnl) over (
            partition by trader_days.trader_id order by trader_days.trade_date
            rows between unbounded preceding and current row
        ) as cumulative_net_pnl
    from trader_days
    inner join sessions_before on trader_days.trade_date = sessions_before.trade_date
    left join sessions on trader_days.trade_date = sessions.session_date
    left join trip_days
        on
            trader_days.trader_id = trip_days.trader_id
            and trader_days.trade_date = trip_days.trade_date
),

peaks_running as (
    select
        *,
        greatest(
            max(cumulative_net_pnl) over (
                partition by trader_id order by trade_date
                rows between unbounded preceding and current row
            ),
            0
        ) as peak_net_pnl
    from days_joined
),

windows_computed as (
    select
        *,
        {{ last_so_far(
            'case when peak_net_pnl > 0 and cumulative_net_pnl = peak_net_pnl '
            ~ 'then trader_days_count end',
            'trader_id',
            'trade_date',
        ) }} as peak_day_number,
        {{ last_preceding(
            'case when is_traded_day then trade_date end', 'trader_id', 'trade_date'
        ) }} as previous_trade_date,
        {{ last_preceding(
            'case when is_traded_day then sessions_count end', 'trader_id', 'trade_date'
        ) }} as previous_sessions_count,
        first_value(trade_date) over (
            partition by trader_id order by trade_date
            rows between unbounded preceding and current row
        ) as first_trade_date,
        -- A streak is the run of days since the last day that breaks it.
        trader_days_count - coalesce({{ last_so_far(
            'case when is_loss = 0 then trader_days_count end', 'trader_id', 'trade_date'
        ) }}, 0) as loss_streak_days,
        trader_days_count - coalesce({{ last_so_far(
            'case when is_win = 0 then trader_days_count end', 'trader_id', 'trade_date'
        ) }}, 0) as win_streak_days,
        avg(cast(is_loss as double)) over (
            partition by trader_id order by trade_date
            rows between unbounded preceding and current row
        ) as loss_day_ratio_to_date,
        {% for days in [3, 5, 10, 20, 60] -%}
            sum(exact_net_pnl) {{ trailing(days) }} as sum_net_{{ days }}d,
            stddev_samp(net) {{ trailing(days) }} as stddev_net_{{ days }}d,
        {% endfor -%}
        {% for half_life in [5, 20] -%}
            {{ decayed_mean('net', half_life) }} as ewm_net_{{ half_life }}d,
            {{ decayed_mean('net * net', half_life) }} as ewm_square_net_{{ half_life }}d,
            {{ decayed_mean('is_loss', half_life) }} as loss_day_ratio_ewm_{{ half_life }}d,
        {% endfor -%}
        {% for days in [20, 60] -%}
            avg(cast(is_loss as double)) {{ trailing(days) }}
                as loss_day_ratio_{{ days }}d,
        {% endfor -%}
        min(net) {{ trailing(20) }} as worst_net_20d,
        max(net) {{ trailing(20) }} as best_net_20d,
        sum(won_trips_count) {{ trailing(20) }} as won_trips_20d,
        sum(losing_trips_count) {{ trailing(20) }} as losing_trips_20d,
        sum(closed_trips_count) {{ trailing(20) }} as closed_trips_20d,
        sum(won_trips_pnl) {{ trailing(20) }} as won_trips_pnl_20d,
        sum(losing_trips_pnl) {{ trailing(20) }} as losing_trips_pnl_20d,
        sum(total_fees) {{ trailing(20) }} as sum_fees_20d,
        sum(abs(gross_pnl)) {{ trailing(20) }} as sum_abs_gross_20d,
        avg(fee_rate) {{ trailing(20) }} as mean_fee_rate_20d
    from peaks_running
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        ---------- the day's result
        net as net_pnl,
        {{ safe_divide('net', 'pnl_scale_20d') }} as net_pnl_scaled,
        pnl_scale_20d,
        ---------- momentum and volatility
        {% for days in [3, 5, 10, 20, 60] -%}
            case when trader_days_count >= {{ days }} then cast(sum_net_{{ days }}d as double) end
                as net_pnl_sum_{{ days }}d,
            case
                when trader_days_count >= {{ days }}
                    then {{ safe_divide('sum_net_' ~ days ~ 'd', days ~ ' * pnl_scale_20d') }}
            end as net_pnl_momentum_{{ days }}d,
            case
                when trader_days_count >= {{ days }}
                    then {{ safe_divide('stddev_net_' ~ days ~ 'd', 'pnl_scale_20d') }}
            end as net_pnl_volatility_{{ days }}d,
        {% endfor -%}
        {% for half_life in [5, 20] -%}
            {{ safe_divide('ewm_net_' ~ half_life ~ 'd', 'pnl_scale_20d') }}
                as net_pnl_ewm_momentum_{{ half_life }}d,
            {{ safe_divide(
                'sqrt(greatest(ewm_square_net_' ~ half_life ~ 'd - ewm_net_' ~ half_life
                ~ 'd * ewm_net_' ~ half_life ~ 'd, 0))',
                'pnl_scale_20d',
            ) }} as net_pnl_ewm_volatility_{{ half_life }}d,
        {% endfor -%}
        ---------- drawdown
        {{ safe_divide('peak_net_pnl - cumulative_net_pnl', 'pnl_scale_20d') }}
            as drawdown_scaled,
        {{ safe_divide('peak_net_pnl - cumulative_net_pnl', 'peak_net_pnl') }}
            as drawdown_ratio,
        cast(trader_days_count - coalesce(peak_day_number, 0) as bigint)
            as drawdown_age_days,
        ---------- streaks and rates
        cast(win_streak_days as bigint) as win_streak_days,
        cast(loss_streak_days as bigint) as loss_streak_days,
        loss_day_ratio_to_date,
        loss_day_ratio_20d,
        loss_day_ratio_60d,
        loss_day_ratio_ewm_5d,
        loss_day_ratio_ewm_20d,
        {{ safe_divide('best_net_20d', 'pnl_scale_20d') }} as best_day_20d_scaled,
        {{ safe_divide('worst_net_20d', 'pnl_scale_20d') }} as worst_day_20d_scaled,
        ---------- trips
        {{ safe_divide('won_trips_count', 'closed_trips_count') }} as trip_win_ratio,
        {{ safe_divide('won_trips_20d', 'closed_trips_20d') }} as trip_win_ratio_20d,
        {{ safe_divide('won_trips_pnl', 'won_trips_pnl + losing_trips_pnl') }}
            as won_trips_pnl_ratio,
        {{ safe_divide('worst_trip_pnl', 'pnl_scale_20d') }} as worst_trip_scaled,
        {{ safe_divide(
            safe_divide('won_trips_pnl_20d', 'won_trips_20d'),
            safe_divide('losing_trips_pnl_20d', 'losing_trips_20d'),
        ) }} as payoff_ratio_20d,
        {{ safe_divide('won_trips_pnl_20d', 'losing_trips_pnl_20d') }} as profit_factor_20d,
        ---------- fees
        {{ safe_divide('total_fees', 'abs(gross_pnl)') }} as fee_share_of_gross,
        {{ safe_divide('sum_fees_20d', 'sum_abs_gross_20d') }} as fee_share_of_gross_20d,
        {{ safe_divide('fee_rate', 'mean_fee_rate_20d') }} as fee_rate_vs_20d_ratio,
        ---------- rests and tenure
        cast({{ dbt.datediff('previous_trade_date', 'trade_date', 'day') }} as bigint)
            as days_since_previous_trade,
        cast(sessions_count - is_session - previous_sessions_count as bigint)
            as sessions_missed,
        traded_days_count,
        cast({{ dbt.datediff('first_trade_date', 'trade_date', 'day') }} as bigint)
            as tenure_days
    from windows_computed
)

select * from final
