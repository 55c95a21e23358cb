{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per check of the models, as of the latest morning: what was found and
    what to do. A count of 0 is a pass. What needs attention comes first, then what is
    only told.
#}
{% set shown_count = 5 %}
{% set minimum_called_count = 5 %}
{% set recent_mornings_count = 20 %}
{% set earlier_mornings_count = 60 %}
{% set outcome_days = 60 %}
{% set minimum_outcomes_count = 50 %}
{% set standard_errors = 2 %}
{% set lowest_coverage = 0.8 %}
{% set highest_coverage = 0.97 %}
{% set learned_models = "('blend', 'global', 'per_trader')" %}
{% set outputs = [
    ('loss probability', 'loss_model'),
    ('expected P&L', 'pnl_model'),
    ('quantiles', 'quantiles_model'),
] %}

with

run_context as (
    select
        as_of_date,
        prediction_date
    from {{ ref('stg_propreports__run_context') }}
),

traders as (
    select
        trader_id,
        forecast_basis
    from {{ ref('trader_status') }}
),

risk_calls as (
    select
        trader_id,
        prediction_date,
        predicted_pnl,
        loss_probability,
        position_multiplier,
        is_trial,
        loss_model,
        pnl_model,
        quantiles_model
    from {{ ref('risk_calls') }}
),

forecast_outcomes as (
    select
        prediction_date,
        loss_probability,
        limit_loss_probability,
        is_loss,
        is_limit_breached,
        is_inside_interval
    from {{ ref('forecast_outcomes') }}
    where has_traded
),

predictions as (
    select
        trader_id,
        prediction_date,
        model,
        predicted_pnl,
        loss_probability,
        loss_model,
        pnl_model,
        trained_through
    from {{ ref('stg_ml__predictions') }}
),

traded_dates as (
    select distinct trade_date from {{ ref('int_trader_days') }}
),

drifted_features as (
    select
        prediction_date,
        feature_name,
        stability_index
    from {{ ref('feature_drift') }}
    where is_drifted
),

policy_comparison as (
    select
        as_of_date,
        policy,
        other_policy,
        metric,
        value_low,
        value_high
    from {{ ref('policy_comparison') }}
),

calls_today as (
    select risk_calls.*
    from risk_calls
    inner join run_context on risk_calls.prediction_date = run_context.prediction_date
),

predictions_today as (
    select predictions.*
    from predictions
    inner join run_context on predictions.prediction_date = run_context.prediction_date
),

predicted_today as (
    select count(predicted_pnl) as predicted_count
    from calls_today
),

learned as (
    select max(trained_through) as trained_through
    from predictions_today
),

-- Where nobody is predicted the desk is too young for a model, and each call says so.
uncalled as (
    select
        traders.trader_id,
        row_number() over (order by traders.trader_id) as shown_order
    from traders
    cross join predicted_today
    left join calls_today on traders.trader_id = calls_today.trader_id
    where
        traders.forecast_basis in ('own_model', 'global_model')
        and calls_today.predicted_pnl is null
        and (calls_today.trader_id is null or predicted_today.predicted_count > 0)
),

-- Equal by right is what a baseline gives: zero for everybody, one rate for all.
learned_outputs as (
    select
        model,
        case
            when pnl_model not in {{ learned_models }} then null
            else predicted_pnl
        end as predicted_pnl,
        case
            when loss_model not in {{ learned_models }} then null
            else loss_probability
        end as loss_probability
    from predictions_today
    where model = 'champion' or model in {{ learned_models }}
),

collapsed_models as (
    select
        model,
        count(*) as predictions_count
    from learned_outputs
    group by model
    having
        (
            count(predicted_pnl) >= {{ minimum_called_count }}
            and max(predicted_pnl) - min(predicted_pnl) <= 0.01
        )
        or (
            count(loss_probability) >= {{ minimum_called_count }}
            and max(loss_probability) - min(loss_probability) <= 0.000001
        )
),

recent_outcomes as (
    select forecast_outcomes.*
    from forecast_outcomes
    cross join run_context
    where
        {{ dbt.datediff('forecast_outcomes.prediction_date', 'run_context.as_of_date', 'day') }}
        <= {{ outcome_days }}
),

calibrated_outcomes as (
    select
        'miscalibrated_losses' as check_name,
        prediction_date,
        loss_probability as probability,
        is_loss as has_happened
    from recent_outcomes
    union all
    select
        'miscalibrated_limits' as check_name,
        prediction_date,
        limit_loss_probability as probability,
        is_limit_breached as has_happened
    from recent_outcomes
),

calibrated_days as (
    select
        check_name,
        prediction_date,
        count(*) as outcomes_count,
        sum(probability) as predicted_count,
        sum(case when has_happened then 1 else 0 end) as happened_count
    from calibrated_outcomes
    where probability is not null
    group by check_name, prediction_date
),

-- Traders lose together on the same days, so what may be chance is judged by the errors
-- of whole days.
calibrations as (
    select
        check_name,
        sum(outcomes_count) as outcomes_count,
        sum(predicted_count) / sum(outcomes_count) as predicted_ratio,
        cast(sum(happened_count) as double) / sum(outcomes_count) as happened_ratio,
        abs(sum(happened_count - predicted_count)) as error_count,
        sqrt(
            sum((happened_count - predicted_count) * (happened_count - predicted_count))
        ) as error_by_chance
    from calibrated_days
    group by check_name
),

miscalibrations as (
    select
        check_name,
        outcomes_count,
        cast(round(100 * predicted_ratio) as integer) as predicted_percent,
        cast(round(100 * happened_ratio) as integer) as happened_percent
    from calibrations
    where
        outcomes_count >= {{ minimum_outcomes_count }}
        and error_count > {{ standard_errors }} * error_by_chance
),

interval_outcomes as (
    select
        count(*) as outcomes_count,
        avg(case when is_inside_interval then 1e0 else 0e0 end) as inside_ratio
    from recent_outcomes
    where is_inside_interval is not null
),

mornings as (
    select
        prediction_date,
        sum(loss_probability) as probability_sum,
        count(loss_probability) as forecasts_count,
        row_number() over (order by prediction_date desc) as recency
    from risk_calls
    where loss_probability is not null
    group by prediction_date
),

morning_means as (
    select
        sum(case when recency <= {{ recent_mornings_count }} then probability_sum end)
        / sum(case when recency <= {{ recent_mornings_count }} then forecasts_count end)
            as recent_probability,
        sum(case when recency > {{ recent_mornings_count }} then probability_sum end)
        / sum(case when recency > {{ recent_mornings_count }} then forecasts_count end)
            as earlier_probability,
        count(*) as mornings_count
    from mornings
    where recency <= {{ recent_mornings_count + earlier_mornings_count }}
),

drifted_today as (
    select
        drifted_features.feature_name,
        row_number() over (
            order by max(drifted_features.stability_index) desc, drifted_features.feature_name asc
        ) as shown_order
    from drifted_features
    inner join run_context
        on drifted_features.prediction_date = run_context.prediction_date
    group by drifted_features.feature_name
),

spoken_outputs as (
    {% for output, speaker in outputs %}
        select
            {{ loop.index }} as output_order,
            '{{ output }}' as output_name,
            {{ speaker }} as speaker
        from calls_today
        {{ "union all" if not loop.last }}
    {% endfor %}
),

spoken_by_baseline as (
    select
        output_order,
        output_name || ' (' || speaker || ' for ' || count(*) || ')' as output_text
    from spoken_outputs
    where speaker not in {{ learned_models }}
    group by output_order, output_name, speaker
),

trial_results as (
    select
        {{ joined_text(
            "policy_comparison.policy || ' over ' || policy_comparison.other_policy"
            ~ " || ' (' || policy_comparison.metric || ')'",
            "', '",
            'policy_comparison.policy, policy_comparison.metric',
        ) }} as results_text
    from policy_comparison
    inner join run_context on policy_comparison.as_of_date = run_context.as_of_date
    where policy_comparison.value_low > 0 or policy_comparison.value_high < 0
),

no_call as (
    select
        'no_call' as check_name,
        1 as check_order,
        count(*) as found_count,
        concat_ws(
            '',
            'traders have enough history and no prediction: ',
            {{ joined_text(
                'case when shown_order <= ' ~ shown_count ~ ' then trader_id end',
                "', '",
                'shown_order',
            ) }},
            case
                when count(*) > {{ shown_count }}
                    then ' and ' || (count(*) - {{ shown_count }}) || ' more'
            end
        ) as finding,
        'Run `make score`, then `make risk`' as remedy
    from uncalled
),

no_advice as (
    select
        'no_advice' as check_name,
        2 as check_order,
        count(*) as found_count,
        'traders are predicted and have no advice on size' as finding,
        'Run `make score`, then `make risk`' as remedy
    from calls_today
    where predicted_pnl is not null and position_multiplier is null
),

stale_models as (
    select
        'stale_models' as check_name,
        3 as check_order,
        case
            when count(*) > {{ var('model_stale_after_sessions') }} then count(*) else 0
        end as found_count,
        'days were traded since the last that the models have learned from' as finding,
        'Run `make train`, then `make score` and `make risk`' as remedy
    from traded_dates
    cross join run_context
    cross join learned
    where
        traded_dates.trade_date > learned.trained_through
        and traded_dates.trade_date < run_context.prediction_date
),

constant_predictions as (
    select
        'constant_predictions' as check_name,
        4 as check_order,
        coalesce(sum(predictions_count), 0) as found_count,
        'predictions are the same for every trader (model: '
        || {{ joined_text('model', "', '", 'model') }} || ')' as finding,
        'Trust none of these calls; run `make verify`' as remedy
    from collapsed_models
),

miscalibrated_losses as (
    select
        'miscalibrated_losses' as check_name,
        5 as check_order,
        coalesce(max(outcomes_count), 0) as found_count,
        'outcomes of the last {{ outcome_days }} days: a loss was expected in '
        || max(predicted_percent) || ' % and came in '
        || max(happened_percent) || ' %' as finding,
        'Read the probabilities with that in mind; run `make verify`' as remedy
    from miscalibrations
    where check_name = 'miscalibrated_losses'
),

miscalibrated_limits as (
    select
        'miscalibrated_limits' as check_name,
        6 as check_order,
        coalesce(max(outcomes_count), 0) as found_count,
        'outcomes of the last {{ outcome_days }} days: a loss beyond the limit was expected in '
        || max(predicted_percent) || ' % and came in '
        || max(happened_percent) || ' %' as finding,
        'Read the probabilities with that in mind; run `make verify`' as remedy
    from miscalibrations
    where check_name = 'miscalibrated_limits'
),

interval_coverage as (
    select
        'interval_coverage' as check_name,
        7 as check_order,
        case
            when
                outcomes_count >= {{ minimum_outcomes_count }}
                and (
                    inside_ratio < {{ lowest_coverage }}
                    or inside_ratio > {{ highest_coverage }}
                )
                then outcomes_count
            else 0
        end as found_count,
        'outcomes of the last {{ outcome_days }} days: '
        || cast(round(100 * inside_ratio) as integer)
        || ' % lie inside the 90 % interval' as finding,
        'Read the intervals with that in mind; run `make verify`' as remedy
    from interval_outcomes
),

prediction_drift as (
    select
        'prediction_drift' as check_name,
        8 as check_order,
        case
            when
                mornings_count = {{ recent_mornings_count + earlier_mornings_count }}
                and abs(recent_probability - earlier_probability)
                > {{ var('drifted_above_probability') }}
                then round(100 * abs(recent_probability - earlier_probability))
            else 0
        end as found_count,
        'percentage points lie between the mean loss probability of the last'
        || ' {{ recent_mornings_count }} mornings ('
        || cast(round(100 * recent_probability) as integer)
        || ' %) and that of the {{ earlier_mornings_count }} before ('
        || cast(round(100 * earlier_probability) as integer) || ' %)' as finding,
        'See marts.feature_drift for what has changed' as remedy
    from morning_means
),

feature_drift as (
    select
        'feature_drift' as check_name,
        9 as check_order,
        count(*) as found_count,
        concat_ws(
            '',
            'features have moved away from what the models learned from: ',
            {{ joined_text(
                'case when shown_order <= ' ~ shown_count ~ ' then feature_name end',
                "', '",
                'shown_order',
            ) }},
            case
                when count(*) > {{ shown_count }}
                    then ' and ' || (count(*) - {{ shown_count }}) || ' more'
            end
        ) as finding,
        'Nothing to mend; see marts.feature_drift' as remedy
    from drifted_today
),

baseline_speaks as (
    select
        'baseline_speaks' as check_name,
        10 as check_order,
        count(distinct output_order) as found_count,
        'of three outputs come from a baseline that no model has beaten lately: '
        || {{ joined_text('output_text', "', '", 'output_order, output_text') }} as finding,
        'Nothing to mend; see marts.model_metrics' as remedy
    from spoken_by_baseline
),

trial_running as (
    select
        'trial_running' as check_name,
        11 as check_order,
        count(calls_today.trader_id) as found_count,
        'calls are sized as the trial has assigned them; so far it shows '
        || coalesce('a difference: ' || max(trial_results.results_text), 'no difference')
            as finding,
        'Nothing to mend; see marts.policy_comparison' as remedy
    from calls_today
    cross join trial_results
    where calls_today.is_trial
),

checks as (
    select * from no_call
    union all
    select * from no_advice
    union all
    select * from stale_models
    union all
    select * from constant_predictions
    union all
    select * from miscalibrated_losses
    union all
    select * from miscalibrated_limits
    union all
    select * from interval_coverage
    union all
    select * from prediction_drift
    union all
    select * from feature_drift
    union all
    select * from baseline_speaks
    union all
    select * from trial_running
),

final as (
    select
        check_name,
        cast(check_order as bigint) as check_order,
        cast(found_count as bigint) as found_count,
        check_name not in (
            'feature_drift', 'baseline_speaks', 'trial_running'
        ) as needs_attention,
        -- A check that found nothing has no text of what it found.
        coalesce(finding, 'nothing found') as finding,
        remedy
    from checks
)

select * from final
