{#
    Grain: one row per rule that the desk wants replayed every morning.
    Its text is what `make what-if RULE=` takes.
#}
with

candidate_rules as (
    select
        kind,
        cast(threshold as decimal(18, 4)) as threshold,
        is_usual_days,
        minutes
    from {{ ref('candidate_rules') }}
),

final as (
    select
        {{ rule_text('kind', 'threshold', 'is_usual_days', 'minutes') }} as rule,
        kind,
        threshold,
        is_usual_days,
        minutes
    from candidate_rules
)

select * from final
