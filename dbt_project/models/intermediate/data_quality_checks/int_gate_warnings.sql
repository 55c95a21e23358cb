{#
    Grain: one row per morning, batch and check of the gate that was not met and stands.
    It stands while a day version that it concerns is still the current one; one of a
    day of the firm until more fills of it come; one of no version, on its morning.
#}
with

gate_results as (
    select
        as_of_date,
        batch_name,
        check_name,
        severity,
        finding,
        checked_at
    from {{ ref('gate_results') }}
    where not is_met
),

gate_concerns as (
    select
        as_of_date,
        batch_name,
        check_name,
        resource,
        account_number,
        trade_date,
        content_hash,
        rows_count
    from {{ ref('stg_propreports__gate_concerns') }}
    where content_hash is not null or account_number is null
),

day_versions as (
    select
        resource,
        account_number,
        trade_date,
        content_hash,
        rows_count,
        known_at
    from {{ ref('stg_propreports__day_versions') }}
),

accepted_warnings as (
    select
        as_of_date,
        check_name,
        batch_name,
        accepted_by,
        accepted_at
    from {{ ref('stg_desk__accepted_warnings') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

concerned_dates as (
    select distinct
        resource,
        trade_date
    from gate_concerns
),

versions_ranked as (
    select
        day_versions.*,
        row_number() over (
            partition by
                day_versions.resource,
                day_versions.account_number,
                day_versions.trade_date
            order by day_versions.known_at desc
        ) as recency
    from day_versions
    inner join concerned_dates
        on
            day_versions.resource = concerned_dates.resource
            and day_versions.trade_date = concerned_dates.trade_date
),

current_versions as (
    select * from versions_ranked
    where recency = 1
),

firm_days as (
    select
        resource,
        trade_date,
        sum(rows_count) as rows_count
    from current_versions
    group by resource, trade_date
),

concerns_judged as (
    select
        gate_concerns.as_of_date,
        gate_concerns.batch_name,
        gate_concerns.check_name,
        max(
            case
                when gate_concerns.account_number is null
                    then case
                        when firm_days.rows_count <= gate_concerns.rows_count then 1
                        else 0
                    end
                when current_versions.content_hash is not null then 1
                else 0
            end
        ) as is_current
    from gate_concerns
    left join current_versions
        on
            gate_concerns.resource = current_versions.resource
            and gate_concerns.account_number = current_versions.account_number
            and gate_concerns.trade_date = current_versions.trade_date
            and gate_concerns.content_hash = current_versions.content_hash
    left join firm_days
        on
            gate_concerns.resource = firm_days.resource
            and gate_concerns.trade_date = firm_days.trade_date
    group by
        gate_concerns.as_of_date, gate_concerns.batch_name, gate_concerns.check_name
),

final as (
    select
        gate_results.as_of_date,
        gate_results.batch_name,
        gate_results.check_name,
        gate_results.severity,
        gate_results.finding,
        accepted_warnings.accepted_by,
        gate_results.as_of_date = run_context.as_of_date as is_of_today
    from gate_results
    cross join run_context
    left join concerns_judged
        on
            gate_results.as_of_date = concerns_judged.as_of_date
            and gate_results.batch_name = concerns_judged.batch_name
            and gate_results.check_name = concerns_judged.check_name
    left join accepted_warnings
        on
            gate_results.as_of_date = accepted_warnings.as_of_date
            and gate_results.check_name = accepted_warnings.check_name
            and gate_results.batch_name = accepted_warnings.batch_name
            -- What was found since under the same name nobody has accepted.
            and gate_results.checked_at <= accepted_warnings.accepted_at
    where
        concerns_judged.is_current = 1
        or (
            concerns_judged.is_current is null
            and gate_results.as_of_date = run_context.as_of_date
        )
)

select * from final
