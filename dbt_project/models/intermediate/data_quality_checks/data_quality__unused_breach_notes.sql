{# Grain: one row: lines of breach_notes.csv about a breach that there is not. #}
with

notes as (
    select
        line_number,
        trade_date,
        rule,
        scope_type,
        scope_name
    from {{ ref('stg_desk__breach_notes') }}
),

breaches as (
    select
        scope_type,
        scope_name,
        rule,
        trade_date,
        last_breached_date
    from {{ ref('fct_breaches') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

unused as (
    select
        notes.*,
        row_number() over (order by notes.line_number) as shown_order
    from notes
    inner join run_context on notes.trade_date < run_context.as_of_date
    left join breaches
        on
            notes.scope_type = breaches.scope_type
            and notes.scope_name = breaches.scope_name
            and notes.rule = breaches.rule
            and notes.trade_date >= breaches.trade_date
            and notes.trade_date <= breaches.last_breached_date
    where breaches.rule is null
),

final as (
    select
        'unused_breach_notes' as check_name,
        count(*) as found_count,
        'notes are about breaches that there are not: '
        || {{ first_few_joined("'line ' || line_number || ', ' || scope_name || ', ' || rule || ' on ' || trade_date") }}
            as finding
    from unused
)

select * from final
