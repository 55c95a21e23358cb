{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per newcomer of this morning's forecasts and trader with enough days
    for a model of their own whose behavior is among the nearest, the nearest first, with
    how that trader did.
    Behavior is free of scale: each trait as of the last day, over the last 20 days
    with P&L, in standard deviations of all traders; what is not known of a trader
    is taken to be as usual. Shown only: no forecast leans on it (docs/models.md).
#}
{% set traits = [
    'loss_ratio', 'payoff_ratio', 'trips', 'holding_minutes', 'size_variation'
] %}
with

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

newcomers as (
    select
        risk_calls.trader_id,
        risk_calls.prediction_date
    from {{ ref('risk_calls') }} as risk_calls
    inner join run_context
        on risk_calls.prediction_date = run_context.prediction_date
    where risk_calls.is_newcomer
),

experienced as (
    select trader_id
    from {{ ref('trader_status') }}
    where traded_days_count > {{ var('own_model_above_traded_days') }}
),

trader_days as (
    select
        trader_id,
        trading_loss_day_ratio_ewm_10d,
        payoff_ratio_20d,
        opened_trips_count,
        mean_holding_minutes,
        fill_size_variation,
        row_number() over (partition by trader_id order by trade_date desc) as recency
    from {{ ref('feat_trader_day') }}
),

behaviours as (
    select
        trader_id,
        max(case when recency = 1 then trading_loss_day_ratio_ewm_10d end) as loss_ratio,
        max(case when recency = 1 then ln(1 + payoff_ratio_20d) end) as payoff_ratio,
        {{ exact_mean('ln(1 + opened_trips_count)') }} as trips,
        {{ exact_mean('ln(1 + mean_holding_minutes)') }} as holding_minutes,
        {{ exact_mean('fill_size_variation') }} as size_variation
    from trader_days
    where recency <= 20
    group by trader_id
),

usual as (
    select
        {% for trait in traits -%}
            {{ exact_mean(trait) }} as {{ trait }}_mean,
            {{ population_stddev(trait, 6) }} as {{ trait }}_spread
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from behaviours
),

standardised as (
    select
        behaviours.trader_id,
        {% for trait in traits -%}
            coalesce(
                (behaviours.{{ trait }} - usual.{{ trait }}_mean)
                / nullif(usual.{{ trait }}_spread, 0),
                0
            ) as {{ trait }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from behaviours
    cross join usual
),

distances as (
    select
        newcomers.trader_id,
        newcomers.prediction_date,
        neighbours.trader_id as neighbour_trader_id,
        sqrt(
            {% for trait in traits -%}
                power(own.{{ trait }} - neighbours.{{ trait }}, 2)
                {%- if not loop.last %} + {% endif %}
            {% endfor %}
        ) as distance
    from newcomers
    inner join standardised as own on newcomers.trader_id = own.trader_id
    inner join standardised as neighbours on newcomers.trader_id != neighbours.trader_id
    inner join experienced on neighbours.trader_id = experienced.trader_id
),

ranked as (
    select
        trader_id,
        prediction_date,
        neighbour_trader_id,
        distance,
        row_number() over (
            partition by trader_id order by distance, neighbour_trader_id
        ) as neighbour_rank
    from distances
),

what_happened as (
    select
        past_days.trader_id,
        count(*) as days_count,
        {{ safe_divide(count_where('past_days.net_pnl < 0'), 'count(*)') }} as loss_day_ratio,
        {{ safe_divide(count_where('totals.is_limit_breached'), 'count(*)') }}
            as limit_passed_day_ratio,
        {{ exact_mean('case when past_days.net_pnl < 0 then -past_days.net_pnl end') }}
        / nullif({{ exact_mean('abs(past_days.net_pnl)') }}, 0) as usual_loss_in_usual_days
    from {{ ref('int_trader_days') }} as past_days
    left join {{ ref('fct_trader_total_pnl') }} as totals
        on
            past_days.trader_id = totals.trader_id
            and past_days.trade_date = totals.trade_date
    group by past_days.trader_id
),

final as (
    select
        ---------- keys
        ranked.trader_id,
        ranked.prediction_date,
        ranked.neighbour_trader_id,
        ---------- how near
        cast(ranked.neighbour_rank as bigint) as neighbour_rank,
        ranked.distance,
        ---------- how the neighbor did
        what_happened.days_count,
        what_happened.loss_day_ratio,
        what_happened.limit_passed_day_ratio,
        what_happened.usual_loss_in_usual_days
    from ranked
    inner join what_happened on ranked.neighbour_trader_id = what_happened.trader_id
    where ranked.neighbour_rank <= 3
)

select * from final
