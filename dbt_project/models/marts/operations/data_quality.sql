{#
    Grain: one row per check of the data, each with what was found and how to mend it.
    A count of 0 is a pass.
#}
with

quarantine as (
    select count(*) as found_count from {{ ref('stg_propreports__quarantine') }}
),

fills_without_multiplier as (
    select count(*) as found_count
    from {{ ref('int_fills_current') }}
    where lacks_multiplier
),

unknown_statuses as (
    select count(*) as found_count
    from {{ ref('int_fills_current') }}
    where is_counted and not is_regular
),

unlisted_accounts as (
    select count(*) as found_count
    from {{ ref('int_accounts') }}
    where not is_listed
),

reconciliation as (
    select
        sum(case when comparison <> 'within_rounding' then 1 else 0 end) as found_count,
        count(*) as days_count
    from {{ ref('broker_reconciliation') }}
    where broker_gross_pnl is not null or gross_pnl is not null
),

last_fill as (
    select max(trade_date) as last_trade_date
    from {{ ref('int_fills_current') }}
    where is_counted
),

stale_sessions as (
    select count(sessions.session_date) as found_count
    from last_fill
    cross join {{ ref('stg_propreports__run_context') }} as run_context
    left join {{ ref('stg_propreports__sessions') }} as sessions
        on
            last_fill.last_trade_date < sessions.session_date
            and run_context.as_of_date > sessions.session_date
),

checks as (
    select
        'stale' as check_name,
        1 as check_order,
        found_count,
        'sessions before the AS_OF date without a single fill' as finding,
        'Run `make ingest` again; if it stays, ask PropReports for the missing days'
            as remedy
    from stale_sessions
    union all
    select
        'quarantined',
        2,
        found_count,
        'rows could not be read and count nowhere',
        'See raw.quarantine for file, line, column and reason; export the rows again'
    from quarantine
    union all
    select
        'unreconciled',
        3,
        coalesce(found_count, 0),
        'account-days of ' || days_count || ' differ from the broker''s own summary',
        'See marts.broker_reconciliation, where comparison <> ''within_rounding'''
    from reconciliation
    union all
    select
        'no_multiplier',
        4,
        found_count,
        'fills of instruments whose contract size nobody has said count nowhere',
        'Add their prefix to dbt_project/seeds/instrument_multipliers.csv, `make build`'
    from fills_without_multiplier
    union all
    select
        'unlisted_account',
        5,
        found_count,
        'accounts have fills but are not on the list of accounts',
        'Export accounts.csv again, or check API_GROUP_ID'
    from unlisted_accounts
    union all
    select
        'journal_entries',
        6,
        found_count,
        'journal entries move position and P&L but are no volume',
        'Nothing to mend; look at them in intermediate.int_fills_current'
    from unknown_statuses
),

final as (
    select
        check_name,
        cast(check_order as bigint) as check_order,
        cast(found_count as bigint) as found_count,
        check_name <> 'journal_entries' as needs_attention,
        finding,
        remedy
    from checks
)

select * from final
