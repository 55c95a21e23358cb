{#
    Grain: one row per candidate rule and trader, and one per rule of the desk.
    The desk's own days are its dates: worst day, tail and drawdown are of its sums.
#}
with

effects as (
    {{ rule_effects(
        ref('int_candidate_rules'),
        ref('fct_rule_replays'),
        ref('replay_days'),
        var('replay_minimum_dates'),
        var('replay_minimum_traders'),
    ) }}
),

final as (
    select * from effects
)

select * from final
