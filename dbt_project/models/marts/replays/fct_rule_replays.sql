{#
    Grain: one row per candidate rule, trader and trader day on which it would have been hit,
    or, of a rule on days before, that would have been sat out or traded at half size.
#}
with

replays as (
    {{ rule_replays(
        ref('int_candidate_rules'),
        ref('replay_days'),
        ref('replay_points'),
        ref('fct_round_trips'),
        var('replay_slip_basis_points'),
    ) }}
),

final as (
    select * from replays
)

select * from final
