{{ config(
    materialized='incremental',
    meta={'planned_by': 'trader_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per trader and date with a counted fill.
    The path of the day's realized net P&L starts at zero; of equal extremes the first
    counts. A path with an unknown amount in it is unknown.
#}
with

fill_results as (
    {{ planned_rows(ref('int_fill_results'), 'trader_days') }}
),

paths_summarised as (
    select
        trader_id,
        trade_date,
        {{ sum_if_known('realized_gross_pnl') }} as final_gross_pnl,
        count(*) = count(cumulative_net_pnl) as is_known,
        max_by(cumulative_net_pnl, day_sequence) as final_net_pnl,
        greatest(max(cumulative_net_pnl), 0) as peak_net_pnl,
        least(min(cumulative_net_pnl), 0) as trough_net_pnl,
        max(running_peak_net_pnl - cumulative_net_pnl) as max_drawdown,
        sum(case when is_regular then 1 else 0 end) as fills_count,
        sum(case when has_fill_time then 0 else 1 end) as untimed_fills_count
    from fill_results
    group by trader_id, trade_date
),

moments as (
    -- The first fill at each extreme; none where the path never left its start.
    select
        paths_summarised.trader_id,
        paths_summarised.trade_date,
        {{ first_reached(
            'fill_results.day_sequence',
            'fill_results.cumulative_net_pnl',
            'paths_summarised.peak_net_pnl',
        ) }} as peak_sequence,
        {{ first_reached(
            'fill_results.day_sequence',
            'fill_results.cumulative_net_pnl',
            'paths_summarised.trough_net_pnl',
            is_low=true,
        ) }} as trough_sequence,
        {{ first_reached(
            'fill_results.day_sequence',
            'fill_results.running_peak_net_pnl - fill_results.cumulative_net_pnl',
            'paths_summarised.max_drawdown',
        ) }} as drawdown_sequence
    from paths_summarised
    inner join fill_results
        on
            paths_summarised.trader_id = fill_results.trader_id
            and paths_summarised.trade_date = fill_results.trade_date
    group by paths_summarised.trader_id, paths_summarised.trade_date
),

timed_moments as (
    -- A fill without a time of its own happened at a moment nobody knows.
    select
        moments.trader_id,
        moments.trade_date,
        max(
            case
                when fill_results.day_sequence = moments.peak_sequence
                    then fill_results.filled_at_et
            end
        ) as peak_at_et,
        max(
            case
                when fill_results.day_sequence = moments.trough_sequence
                    then fill_results.filled_at_et
            end
        ) as trough_at_et,
        max(
            case
                when fill_results.day_sequence = moments.drawdown_sequence
                    then fill_results.filled_at_et
            end
        ) as drawdown_at_et
    from moments
    inner join fill_results
        on
            moments.trader_id = fill_results.trader_id
            and moments.trade_date = fill_results.trade_date
            and fill_results.has_fill_time
    group by moments.trader_id, moments.trade_date
),

final as (
    select
        ---------- keys
        paths_summarised.trader_id,
        paths_summarised.trade_date,
        ---------- numbers
        paths_summarised.fills_count,
        paths_summarised.untimed_fills_count,
        ---------- money
        paths_summarised.final_gross_pnl,
        case when paths_summarised.is_known then paths_summarised.final_net_pnl end
            as final_net_pnl,
        case when paths_summarised.is_known then paths_summarised.peak_net_pnl end
            as peak_net_pnl,
        case when paths_summarised.is_known then paths_summarised.trough_net_pnl end
            as trough_net_pnl,
        case when paths_summarised.is_known then paths_summarised.max_drawdown end
            as max_drawdown,
        case
            when paths_summarised.is_known
                then paths_summarised.peak_net_pnl - paths_summarised.final_net_pnl
        end as give_back,
        ---------- times
        case when paths_summarised.is_known then timed_moments.peak_at_et end
            as peak_at_et,
        case when paths_summarised.is_known then timed_moments.trough_at_et end
            as trough_at_et,
        case when paths_summarised.is_known then timed_moments.drawdown_at_et end
            as drawdown_at_et
    from paths_summarised
    left join timed_moments
        on
            paths_summarised.trader_id = timed_moments.trader_id
            and paths_summarised.trade_date = timed_moments.trade_date
)

select * from final
