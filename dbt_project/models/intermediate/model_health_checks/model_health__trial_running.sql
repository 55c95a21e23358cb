{# Grain: one row: forecasts of today that a trial sizes, and what it shows so far. #}
with

risk_calls_today as (
    select
        trader_id,
        is_trial
    from {{ ref('int_risk_calls_today') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
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

final as (
    select
        'trial_running' as check_name,
        count(risk_calls_today.trader_id) as found_count,
        'traders are sized as the trial has assigned them; so far it shows '
        || coalesce(
            'a difference: ' || max(trial_results.results_text), 'no difference'
        ) as finding
    from risk_calls_today
    cross join trial_results
    where risk_calls_today.is_trial
)

select * from final
