{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per trader (empty: the whole desk): how the calls of the desk's last
    sessions turned out. An alarm is a call at level High or Medium.
#}
with

call_record as (
    select * from {{ ref('call_record') }}
),

sessions as (
    select
        prediction_date,
        row_number() over (order by prediction_date desc) as recency
    from {{ ref('desk_record') }}
),

recent_calls as (
    select call_record.*
    from call_record
    inner join sessions on call_record.prediction_date = sessions.prediction_date
    where sessions.recency <= {{ var('call_score_sessions') }}
),

calls_by_whom as (
    select
        '' as scored_id,
        recent_calls.*
    from recent_calls
    union all
    select
        trader_id as scored_id,
        recent_calls.*
    from recent_calls
),

final as (
    select
        ---------- keys
        scored_id as trader_id,
        ---------- what was called
        min(prediction_date) as first_date,
        max(prediction_date) as last_date,
        count(distinct prediction_date) as sessions_count,
        count(*) as calls_count,
        {{ count_where('is_replayed') }} as replayed_count,
        ---------- right and wrong
        {{ count_where('is_alarm') }} as alarms_count,
        {{ count_where('is_loss') }} as losses_count,
        {{ count_where('is_alarm and is_loss') }} as hits_count,
        {{ count_where('is_alarm and not is_loss') }} as false_alarms_count,
        {{ count_where('not is_alarm and is_loss') }} as missed_losses_count,
        {{ count_where('is_inside_interval') }} as inside_interval_count,
        ---------- dollars
        cast(sum(actual_net_pnl) as decimal(38, 8)) as actual_net_pnl,
        {{ sum_or_zero('case when advised_size_effect > 0 then advised_size_effect end') }}
            as avoided_loss_amount,
        {{ sum_or_zero('case when advised_size_effect < 0 then -advised_size_effect end') }}
            as missed_gain_amount,
        {{ sum_or_zero('advised_size_effect') }} as advised_size_effect
    from calls_by_whom
    group by scored_id
)

select * from final
