{#
    Grain: one row for the account-days of the last sessions, one for those before: how
    many differ from the broker's own summary, and by which class.
#}
with

sessions as (
    select session_date from {{ ref('stg_propreports__sessions') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

reconciliation as (
    select
        trade_date,
        difference_class,
        orders_difference
    from {{ ref('broker_reconciliation') }}
    where difference_class <> 'no_summary'
),

past_sessions as (
    select
        sessions.session_date,
        row_number() over (order by sessions.session_date desc) as recency
    from sessions
    inner join run_context on sessions.session_date < run_context.as_of_date
),

-- From here on a difference is news; what is older has been told often enough.
recent_days as (
    select min(session_date) as first_date
    from past_sessions
    where recency <= {{ var('reconciliation_recent_sessions') }}
),

reconciled_days as (
    select
        reconciliation.difference_class,
        reconciliation.orders_difference,
        coalesce(reconciliation.trade_date >= recent_days.first_date, true) as is_recent
    from reconciliation
    cross join recent_days
),

final as (
    select
        is_recent,
        count(*) as days_count,
        sum(case when difference_class = 'within_rounding' then 0 else 1 end)
            as differing_days_count,
        sum(
            case
                when difference_class = 'within_rounding' and orders_difference <> 0
                    then 1
                else 0
            end
        ) as orders_differ_days_count,
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
        ) as classes_text
    from reconciled_days
    group by is_recent
)

select * from final
