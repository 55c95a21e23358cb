{#
    Grain: one row per trader and date from which what is said of the trader holds.
    The desk's file, where it has a line; else the project's seed.
#}
with

lines as (
    {{ desk_lines('traders') }}
),

final as (
    select
        lines.line_number,
        lines.trader_id,
        lines.valid_from,
        lines.display_name,
        lines.strategy,
        lines.trader_group,
        cast(lines.is_active as boolean) as is_active,
        cast(lines.daily_loss_limit_amount as decimal(18, 8)) as daily_loss_limit_amount,
        lines.note
    from lines
    union all
    select
        cast(null as bigint) as line_number,
        trader_id,
        valid_from,
        display_name,
        strategy,
        trader_group,
        is_active,
        daily_loss_limit_amount,
        note
    from {{ ref('traders') }}
    where not exists (select 1 from lines)
)

select * from final
