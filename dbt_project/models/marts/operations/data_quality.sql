{#
    Grain: one row per check of the data, each with what was found and how to mend it.
    A count of 0 is a pass. What needs attention comes first, then what is only told.
#}
{% set recent_sessions_count = 7 %}
{% set shown_count = 5 %}

with

fill_days as (
    select
        trade_date,
        fills_count,
        counted_fills_count,
        journal_fills_count,
        unknown_size_fills_count,
        foreign_fills_count,
        negative_price_fills_count
    from {{ ref('int_account_day_fills') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

sessions as (
    select
        session_date,
        opens_at_et
    from {{ ref('stg_propreports__sessions') }}
),

quarantine as (
    select
        resource,
        column_name,
        reason_kind
    from {{ ref('stg_propreports__quarantine') }}
),

reconciliation as (
    select
        trade_date,
        difference_class,
        orders_difference
    from {{ ref('broker_reconciliation') }}
),

broker_identities as (
    select identity_name from {{ ref('int_broker_identities') }}
),

account_versions as (
    select
        account_id,
        is_renamed,
        known_at
    from {{ ref('account_history') }}
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
        check_name,
        severity,
        is_met,
        finding
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

account_traders as (
    select
        account_id,
        trader_id
    from {{ ref('int_account_traders') }}
),

trader_accounts as (
    select
        account_id,
        trader_id
    from {{ ref('trader_accounts') }}
),

traders as (
    select trader_id from {{ ref('traders') }}
),

last_fill as (
    select max(trade_date) as last_trade_date
    from fill_days
    where counted_fills_count > 0
),

past_sessions as (
    select
        sessions.session_date,
        sessions.opens_at_et,
        row_number() over (order by sessions.session_date desc) as recency
    from sessions
    inner join run_context on sessions.session_date < run_context.as_of_date
),

-- From here on a difference is news; what is older has been told often enough.
recent_days as (
    select min(session_date) as first_date
    from past_sessions
    where recency <= {{ recent_sessions_count }}
),

-- The morning before was over when the last session opened: what became known since
-- then no earlier report has told.
last_opening as (
    select {{ to_utc('max(opens_at_et)') }} as opened_at
    from past_sessions
),

quarantined_kinds as (
    select
        count(*) as rows_count,
        concat_ws('.', resource, column_name) || ' ' || reason_kind as kind_text,
        row_number() over (
            order by count(*) desc, concat_ws('.', resource, column_name), reason_kind
        ) as kind_order
    from quarantine
    group by resource, column_name, reason_kind
),

reconciled_days as (
    select
        reconciliation.difference_class,
        reconciliation.orders_difference,
        coalesce(reconciliation.trade_date >= recent_days.first_date, true) as is_recent
    from reconciliation
    cross join recent_days
    where reconciliation.difference_class <> 'no_summary'
),

differing_days as (
    select
        is_recent,
        count(*) as days_count,
        sum(case when difference_class = 'within_rounding' then 0 else 1 end) as found_count,
        nullif(
            concat_ws(
                ', ',
                {% for name in [
                    'cancelled_fill', 'journal_entry', 'opening_booked_at_close',
                    'missing_fills', 'missing_at_broker', 'time_order_matching',
                    'restated_fees', 'unknown', 'not_comparable',
                ] %}
                    nullif(
                        sum(case when difference_class = '{{ name }}' then 1 else 0 end), 0
                    ) || ' {{ name | replace("_", " ") }}'{{ "," if not loop.last }}
                {% endfor %}
            ),
            ''
        ) as classes_text
    from reconciled_days
    group by is_recent
),

unmet_checks as (
    select
        -- One batch speaks for all of them.
        max(gate_results.finding) || ' [' || gate_results.check_name || case
            when count(*) > 1 then ', the like in ' || (count(*) - 1) || ' more'
            else ''
        end || ']' as finding_text,
        row_number() over (
            order by min(gate_results.severity), gate_results.check_name
        ) as shown_order
    from gate_results
    inner join run_context on gate_results.as_of_date = run_context.as_of_date
    where not gate_results.is_met
    group by gate_results.check_name
),

extra_columns as (
    select
        resource || '.' || column_name as column_text,
        row_number() over (order by resource, column_name) as shown_order
    from extra_cells
    group by resource, column_name
),

known_names as (
    select account_id as known_id
    from account_traders
    union all
    select trader_id as known_id
    from account_traders
    union all
    select trader_id as known_id
    from trader_accounts
),

seed_names as (
    select account_id as named_id
    from trader_accounts
    union all
    select trader_id as named_id
    from traders
),

unused_names as (
    select
        seed_names.named_id,
        row_number() over (order by seed_names.named_id) as shown_order
    from seed_names
    left join known_names on seed_names.named_id = known_names.known_id
    where known_names.known_id is null
    group by seed_names.named_id
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
        coalesce(sum(rows_count), 0) as found_count,
        'rows could not be read and count nowhere; most often ('
        || max(case when kind_order = 1 then rows_count end) || ') '
        || max(case when kind_order = 1 then kind_text end) as finding,
        'See raw.quarantine for file, line, column and reason; export the rows again'
            as remedy
    from quarantined_kinds
),

unreconciled as (
    select
        'unreconciled' as check_name,
        3 as check_order,
        coalesce(max(found_count), 0) as found_count,
        concat_ws(
            ': ',
            'of ' || max(days_count)
            || ' account-days of the last {{ recent_sessions_count }} sessions differ'
            || ' from the broker''s own summary',
            max(classes_text)
        ) as finding,
        'See marts.broker_reconciliation, column explanation' as remedy
    from differing_days
    where is_recent
),

no_multiplier as (
    select
        'no_multiplier' as check_name,
        4 as check_order,
        coalesce(sum(unknown_size_fills_count), 0) as found_count,
        'fills of instruments whose contract size nobody has said count nowhere'
            as finding,
        'Add their prefix to dbt_project/seeds/instrument_multipliers.csv, `make daily`'
            as remedy
    from fill_days
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
        6 as check_order,
        coalesce(sum(foreign_fills_count), 0) as found_count,
        'fills in another currency than US dollars are added up as if they were dollars'
            as finding,
        'Leave these accounts out with API_GROUP_ID, or export without them' as remedy
    from fill_days
),

gate_warnings as (
    select
        'gate_warnings' as check_name,
        7 as check_order,
        count(*) as found_count,
        concat_ws(
            '',
            'checks of the newly loaded fills are not met: ',
            {{ joined_text(
                'case when shown_order <= ' ~ shown_count ~ ' then finding_text end',
                "'; '",
                'shown_order',
            ) }},
            case
                when count(*) > {{ shown_count }}
                    then ' and ' || (count(*) - {{ shown_count }}) || ' more'
            end
        ) as finding,
        'See marts.gate_results, where is_met is false' as remedy
    from unmet_checks
),

negative_prices as (
    select
        'negative_prices' as check_name,
        8 as check_order,
        coalesce(sum(negative_price_fills_count), 0) as found_count,
        'equity fills have a price below zero and count as they stand' as finding,
        'Ask PropReports to correct them; see marts.fct_fills, where price < 0' as remedy
    from fill_days
),

renamed_accounts as (
    select
        'renamed_accounts' as check_name,
        9 as check_order,
        count(distinct account_versions.account_id) as found_count,
        'accounts were renamed since the morning before; all of their days go by the new name'
            as finding,
        'Where dbt_project/seeds/trader_accounts.csv or traders.csv has the old one, add the new'
            as remedy
    from account_versions
    inner join last_opening on account_versions.known_at >= last_opening.opened_at
    where account_versions.is_renamed
),

unknown_columns as (
    select
        'unknown_columns' as check_name,
        10 as check_order,
        count(*) as found_count,
        concat_ws(
            '',
            'columns came that nobody has declared; they are kept aside: ',
            {{ joined_text(
                'case when shown_order <= ' ~ shown_count ~ ' then column_text end',
                "', '",
                'shown_order',
            ) }},
            case
                when count(*) > {{ shown_count }}
                    then ' and ' || (count(*) - {{ shown_count }}) || ' more'
            end
        ) as finding,
        'See raw.extra_cells; declare them in ingestion/resources.py if they matter'
            as remedy
    from extra_columns
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
    inner join last_opening on fill_versions.known_at >= last_opening.opened_at
    where fill_versions.version_number > 1
),

unreconciled_before as (
    select
        'unreconciled_before' as check_name,
        12 as check_order,
        coalesce(max(found_count), 0) as found_count,
        concat_ws(
            ': ',
            'of ' || max(days_count)
            || ' account-days of earlier sessions differ from the broker''s own summary',
            max(classes_text)
        ) as finding,
        'See marts.broker_reconciliation, column explanation' as remedy
    from differing_days
    where not is_recent
),

orders_differ as (
    select
        'orders_differ' as check_name,
        13 as check_order,
        count(*) as found_count,
        'account-days agree with the broker''s own summary but for the number of orders' as finding,
        'Nothing to mend; see marts.broker_reconciliation, column orders_difference' as remedy
    from reconciled_days
    where difference_class = 'within_rounding' and orders_difference <> 0
),

broker_figures as (
    select
        'broker_figures' as check_name,
        14 as check_order,
        count(*) as found_count,
        'figures of the broker''s own summary do not add up' as finding,
        'Ask PropReports; they are in intermediate.int_broker_identities' as remedy
    from broker_identities
),

journal_entries as (
    select
        'journal_entries' as check_name,
        15 as check_order,
        coalesce(sum(journal_fills_count), 0) as found_count,
        'journal entries move position and P&L but are no volume' as finding,
        'Nothing to mend; look at them in intermediate.int_fills_current' as remedy
    from fill_days
),

unplaced_adjustments as (
    select
        'unplaced_adjustments' as check_name,
        16 as check_order,
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

closed_exchange as (
    select
        'closed_exchange' as check_name,
        17 as check_order,
        coalesce(sum(fill_days.fills_count), 0) as found_count,
        'fills are of dates on which the exchange was closed; they count on their date'
            as finding,
        'Nothing to mend; see is_session in marts.feat_trader_day_context' as remedy
    from fill_days
    left join sessions on fill_days.trade_date = sessions.session_date
    where sessions.session_date is null
),

unused_seed_lines as (
    select
        'unused_seed_lines' as check_name,
        18 as check_order,
        count(*) as found_count,
        concat_ws(
            '',
            'lines of the seeds name accounts or traders nobody knows: ',
            {{ joined_text(
                'case when shown_order <= ' ~ shown_count ~ ' then named_id end',
                "', '",
                'shown_order',
            ) }},
            case
                when count(*) > {{ shown_count }}
                    then ' and ' || (count(*) - {{ shown_count }}) || ' more'
            end
        ) as finding,
        'Mend or delete them in dbt_project/seeds/trader_accounts.csv, traders.csv'
            as remedy
    from unused_names
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
    select * from foreign_currency
    union all
    select * from gate_warnings
    union all
    select * from negative_prices
    union all
    select * from renamed_accounts
    union all
    select * from unknown_columns
    union all
    select * from corrected_days
    union all
    select * from unreconciled_before
    union all
    select * from orders_differ
    union all
    select * from broker_figures
    union all
    select * from journal_entries
    union all
    select * from unplaced_adjustments
    union all
    select * from closed_exchange
    union all
    select * from unused_seed_lines
),

final as (
    select
        check_name,
        cast(check_order as bigint) as check_order,
        cast(found_count as bigint) as found_count,
        check_name not in (
            'corrected_days', 'unreconciled_before', 'orders_differ', 'broker_figures',
            'journal_entries', 'unplaced_adjustments', 'closed_exchange',
            'unused_seed_lines'
        ) as needs_attention,
        -- A check that found nothing has no text of what it found.
        coalesce(finding, 'nothing found') as finding,
        remedy
    from checks
)

select * from final
