{# Grain: one row: limits proposed for the next session that nobody has decided on. #}
with

run_context as (
    select prediction_date from {{ ref('stg_propreports__run_context') }}
),

limit_changes as (
    select
        account_id,
        limit_name,
        limit_value,
        session_date
    from {{ ref('stg_ops__limit_changes') }}
    where status = 'pending'
),

waiting as (
    select
        limit_changes.account_id,
        limit_changes.limit_name,
        limit_changes.limit_value,
        row_number() over (order by limit_changes.account_id, limit_changes.limit_name)
            as shown_order
    from limit_changes
    inner join run_context on limit_changes.session_date = run_context.prediction_date
),

final as (
    select
        'waiting' as check_name,
        count(*) as found_count,
        'limits are proposed for the next session and wait for approval: '
        || {{ first_few_joined(
            "account_id || ' ' || limit_name || ' ' || " ~ plain_number('limit_value')
        ) }} as finding
    from waiting
)

select * from final
