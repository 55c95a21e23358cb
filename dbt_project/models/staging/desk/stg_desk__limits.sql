{#
    Grain: one row per scope (an account, a trader, a group, a strategy or the desk) and
    date from which its limits hold. A rule without a limit is null: not set.
#}
with

lines as (
    {{ desk_lines('limits') }}
),

final as (
    select
        lines.line_number,
        case
            when lines.account is not null then 'account'
            when lines.trader is not null then 'trader'
            when lines.trader_group is not null then 'trader_group'
            when lines.strategy is not null then 'strategy'
            else 'desk'
        end as scope_type,
        coalesce(lines.account, lines.trader, lines.trader_group, lines.strategy, 'desk')
            as scope_name,
        lines.valid_from,
        {% for rule, column in limit_rules().items() -%}
            cast(lines.{{ column }} as decimal(18, 8)) as {{ column }},
        {% endfor -%}
        cast(lines.warning_share as decimal(18, 8)) as warning_share,
        lines.note
    from lines
)

select * from final
