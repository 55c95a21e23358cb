{#
    Grain: one row, where lines of breach_notes.csv are about a breach that there is not: the
    limit, the day or the fills are others now.
#}
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
    select
        as_of_date,
        prediction_date
    from {{ ref('stg_propreports__run_context') }}
),

unused as (
    select
        notes.*,
        run_context.prediction_date,
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
        'unused_note' as kind,
        3 as severity,
        'desk' as scope_type,
        'desk' as scope_name,
        min(prediction_date) as trade_date,
        cast(null as string) as rule,
        cast(null as decimal(38, 8)) as amount,
        cast(null as decimal(18, 8)) as limit_value,
        cast(null as double) as ratio,
        count(*) as days_count,
        cast(null as timestamp) as occurred_at,
        count(*) || ' notes are about breaches that do not exist' as fact,
        {{ first_few_joined(
            "'line ' || line_number || ', ' || scope_name || ', ' || rule || ' on ' || trade_date"
        ) }} as comparison,
        'Fix or delete them in breach_notes.csv; make note writes valid ones' as what_to_do
    from unused
    having count(*) > 0
)

select * from final
