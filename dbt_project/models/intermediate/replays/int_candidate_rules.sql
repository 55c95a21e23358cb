{#
    Grain: one row per rule that the desk wants replayed every morning.
    Its text is what `make what-if RULE=` takes, as ingestion.desk_rules writes it: kind,
    threshold, and between them how long it lasts (`sit_out 1 after 3 losing days`).
#}
with

candidate_rules as (
    select rule
    from {{ ref('stg_desk__candidate_rules') }}
),

in_words as (
    select
        rule,
        split_part(rule, ' ', 1) as kind,
        rule like '% after %' as lasts,
        split_part(rule, ' ', 2) as second_word,
        split_part(rule, ' ', 4) as fourth_word
    from candidate_rules
),

final as (
    select
        rule,
        kind,
        cast(
            replace(case when lasts then fourth_word else second_word end, 'x', '')
            as decimal(18, 4)
        ) as threshold,
        rule like '%x' as is_usual_days,
        rule like '% losing days' as is_losing_days,
        cast(case when lasts then second_word end as bigint) as duration
    from in_words
)

select * from final
