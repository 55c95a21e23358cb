{#
    Grain: one row: how many account-days differ from the broker's own summary, by class
    and with the dollars; what somebody has signed off is left out of these.
#}
{% set difference_classes = [
    'cancelled_fill', 'journal_entry', 'opening_booked_at_close', 'missing_fills',
    'missing_at_broker', 'session_date', 'time_order_matching', 'restated_fees', 'unknown',
    'not_comparable',
] %}

with

reconciliation as (
    select
        difference_class,
        status = 'open' as is_open,
        cast(abs(difference_amount) as decimal(38, 2)) as amount,
        age_sessions_count,
        orders_difference
    from {{ ref('broker_reconciliation') }}
    where difference_class <> 'no_summary'
),

counts as (
    select
        count(*) as days_count,
        {{ count_where('is_open') }} as open_days_count,
        sum(case when is_open then amount end) as open_amount,
        max(case when is_open then age_sessions_count end) as oldest_sessions_count,
        {{ count_where("difference_class = 'within_rounding' and orders_difference <> 0") }}
            as orders_differ_days_count,
    {% for name in difference_classes %}
        {{ count_where("is_open and difference_class = '" ~ name ~ "'") }}
            as {{ name }}_count,
        sum(case when is_open and difference_class = '{{ name }}' then amount end)
            as {{ name }}_amount{{ "," if not loop.last }}
    {% endfor %}
    from reconciliation
),

final as (
    select
        days_count,
        open_days_count,
        open_amount,
        oldest_sessions_count,
        orders_differ_days_count,
        concat_ws(
            ', ',
            {% for name in difference_classes %}
                nullif({{ name }}_count, 0) || ' {{ name | replace("_", " ") }} ($'
                || {{ name }}_amount || ')'{{ "," if not loop.last }}
            {% endfor %}
        ) as classes_text
    from counts
)

select * from final
