{#
    Grain: one row per trader, trader day and behavior that shows in it.
    Tilt, as a risk manager sees it, now against usual: the day's figure, the trader's own
    mean and spread of the sixty days before with one, and how many spreads above usual it
    is (at most 3 either way). tilt_score is the mean of the day's scores: every part of it is
    a row. Known at the close of the day.
#}
{%- set behaviours = {
    'size_after_losses': 'size_after_loss_vs_win_ratio',
    'tempo_after_losses': 'reentry_after_loss_ratio',
    'giving_back': 'give_back_ratio',
    'past_usual_stop': 'past_stop_fills_ratio',
    'averaging_down': 'averaging_down_trips_ratio',
    'size': 'notional_vs_20d_ratio',
    'trades': 'trips_vs_20d_ratio',
} %}
with

features as (
    select * from {{ ref('feat_trader_day') }}
),

days as (
    {% for behaviour, feature in behaviours.items() -%}
        {{ "union all" if not loop.first }}
        select
            trader_id,
            trade_date,
            '{{ behaviour }}' as behaviour,
            cast({{ feature }} as double) as day_value
        from features
        where {{ feature }} is not null
    {% endfor %}
),

days_compared as (
    select
        *,
        count(*) over days_before as usual_days_count,
        avg(day_value) over days_before as usual_value,
        stddev_pop(day_value) over days_before as usual_spread
    from days
    window days_before as (
        partition by trader_id, behaviour order by trade_date
        rows between 60 preceding and 1 preceding
    )
),

days_scored as (
    select
        *,
        case
            -- Less than that is what doubles leave of nothing.
            when usual_days_count >= 20 and usual_spread > 0.000001
                then
                    greatest(
                        least((day_value - usual_value) / usual_spread, 3), -3
                    )
        end as score
    from days_compared
),

final as (
    select
        ---------- keys
        trader_id,
        trade_date,
        behaviour,
        ---------- numbers
        cast(usual_days_count as bigint) as usual_days_count,
        day_value,
        case when usual_days_count >= 20 then usual_value end as usual_value,
        case when usual_days_count >= 20 then usual_spread end as usual_spread,
        score,
        -- Of decimals: a mean of doubles is another in another order.
        {{ safe_divide(
            'sum(cast(score as decimal(18, 12))) over trader_day',
            'count(score) over trader_day',
        ) }} as tilt_score
    from days_scored
    window trader_day as (partition by trader_id, trade_date)
)

select * from final
