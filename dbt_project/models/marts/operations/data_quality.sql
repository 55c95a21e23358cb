{#
    Grain: one row per check of the data, each with what was found and how to mend it.
    A count of 0 is a pass.
#}
with

fills as (
    select
        trade_date,
        currency,
        is_counted,
        is_regular,
        lacks_multiplier
    from {{ ref('int_fills_current') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

quarantine as (
    select reason from {{ ref('stg_propreports__quarantine') }}
),

reconciliation as (
    select difference_class from {{ ref('broker_reconciliation') }}
),

accounts as (
    -- An account may have several numbers; one that is listed is enough.
    select
        account_id,
        max(last_listed_at) as last_listed_at
    from {{ ref('int_accounts') }}
    group by account_id
),

adjustments as (
    select
        account_number,
        trade_date,
        is_transfer
    from (
        {{ current_rows(ref('stg_propreports__adjustments'), 'adjustments') }}
    ) as current_adjustments
),

account_numbers as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

account_days as (
    select
        account_id,
        trade_date
    from {{ ref('daily_totals') }}
),

gate_results as (
    select
        as_of_date,
        is_met
    from {{ ref('gate_results') }}
),

fill_versions as (
    select
        account_id,
        trade_date,
        version_number,
        known_at
    from {{ ref('fill_day_versions') }}
),

extra_cells as (
    select
        resource,
        column_name
    from {{ ref('stg_propreports__extra_cells') }}
),

last_fill as (
    select max(trade_date) as last_trade_date
    from fills
    where is_counted
),

stale as (
    select
        'stale' as check_name,
        1 as check_order,
        count(sessions.session_date) as found_count,
        'sessions before the AS_OF date without a single fill' as finding,
        'Run `make ingest` again; if it stays, ask PropReports for the missing days'
            as remedy
    from last_fill
    cross join run_context
    left join sessions
        on
            last_fill.last_trade_date < sessions.session_date
            and run_context.as_of_date > sessions.session_date
),

quarantined as (
    select
        'quarantined' as check_name,
        2 as check_order,
        count(*) as found_count,
        'rows could not be read and count nowhere' as finding,
        'See raw.quarantine for file, line, column and reason; export the rows again'
            as remedy
    from quarantine
),

unreconciled as (
    select
        'unreconciled' as check_name,
        3 as check_order,
        coalesce(sum(case when difference_class = 'within_rounding' then 0 else 1 end), 0)
            as found_count,
        concat_ws(
            ': ',
            'of ' || count(*) || ' account-days differ from the broker''s own summary',
            nullif(
                concat_ws(
                    ', ',
                    {% for name in [
                        'cancelled_fill', 'journal_entry', 'opening_booked_at_close',
                        'missing_fills', 'missing_at_broker', 'time_order_matching',
                        'restated_fees', 'unknown', 'not_comparable',
                    ] %}
                        nullif(
                            sum(case when difference_class = '{{ name }}' then 1 else 0 end),
                            0
                        ) || ' {{ name | replace("_", " ") }}'{{ "," if not loop.last }}
                    {% endfor %}
                ),
                ''
            )
        ) as finding,
        'See marts.broker_reconciliation, column explanation' as remedy
    from reconciliation
    where difference_class <> 'no_summary'
),

no_multiplier as (
    select
        'no_multiplier' as check_name,
        4 as check_order,
        count(*) as found_count,
        'fills of instruments whose contract size nobody has said count nowhere'
            as finding,
        'Add their prefix to dbt_project/seeds/instrument_multipliers.csv, `make daily`'
            as remedy
    from fills
    where lacks_multiplier
),

unlisted_account as (
    select
        'unlisted_account' as check_name,
        5 as check_order,
        count(*) as found_count,
        'accounts have fills but are not on the list of accounts' as finding,
        'Export accounts.csv again, or check API_GROUP_ID' as remedy
    from accounts
    where last_listed_at is null
),

foreign_currency as (
    select
        'foreign_currency' as check_name,
        7 as check_order,
        count(*) as found_count,
        'fills in another currency than US dollars are added up as if they were dollars'
            as finding,
        'Leave these accounts out with API_GROUP_ID, or export without them' as remedy
    from fills
    where is_counted and currency <> 'USD'
),

unplaced_adjustments as (
    select
        'unplaced_adjustments' as check_name,
        8 as check_order,
        count(*) as found_count,
        'adjustments fall on days without fill or position, so no daily total has them'
            as finding,
        'Nothing to mend; they are in staging.stg_propreports__adjustments' as remedy
    from adjustments
    inner join account_numbers
        on adjustments.account_number = account_numbers.account_number
    left join account_days
        on
            account_numbers.account_id = account_days.account_id
            and adjustments.trade_date = account_days.trade_date
    where not adjustments.is_transfer and account_days.account_id is null
),

journal_entries as (
    select
        'journal_entries' as check_name,
        6 as check_order,
        count(*) as found_count,
        'journal entries move position and P&L but are no volume' as finding,
        'Nothing to mend; look at them in intermediate.int_fills_current' as remedy
    from fills
    where is_counted and not is_regular
),

gate_warnings as (
    select
        'gate_warnings' as check_name,
        9 as check_order,
        count(*) as found_count,
        'checks of the newly loaded fills are not met' as finding,
        'See marts.gate_results, where is_met is false' as remedy
    from gate_results
    inner join run_context on gate_results.as_of_date = run_context.as_of_date
    where not gate_results.is_met
),

unknown_columns as (
    select
        'unknown_columns' as check_name,
        10 as check_order,
        count(distinct resource || '.' || column_name) as found_count,
        'columns came that nobody has declared; they are kept aside' as finding,
        'See raw.extra_cells; declare them in ingestion/resources.py if they matter'
            as remedy
    from extra_cells
),

corrected_days as (
    select
        'corrected_days' as check_name,
        11 as check_order,
        count(distinct fill_versions.account_id || fill_versions.trade_date)
            as found_count,
        'account-days were corrected since the morning before' as finding,
        'Nothing to mend; see marts.fill_day_versions' as remedy
    from fill_versions
    inner join run_context
        on
            fill_versions.known_at
            >= cast(run_context.as_of_date as timestamp) - interval '1' day
    where fill_versions.version_number > 1
),

checks as (
    select * from stale
    union all
    select * from quarantined
    union all
    select * from unreconciled
    union all
    select * from no_multiplier
    union all
    select * from unlisted_account
    union all
    select * from journal_entries
    union all
    select * from foreign_currency
    union all
    select * from unplaced_adjustments
    union all
    select * from gate_warnings
    union all
    select * from unknown_columns
    union all
    select * from corrected_days
),

final as (
    select
        check_name,
        cast(check_order as bigint) as check_order,
        cast(found_count as bigint) as found_count,
        check_name not in ('journal_entries', 'unplaced_adjustments', 'corrected_days')
            as needs_attention,
        finding,
        remedy
    from checks
)

select * from final
