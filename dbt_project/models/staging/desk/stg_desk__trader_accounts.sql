{#
    Grain: one row per account and date from which it belongs to a trader.
    The desk's file, where it has a line; else the project's seed.
#}
with

lines as (
    {{ desk_lines('trader_accounts') }}
),

final as (
    select
        lines.line_number,
        lines.account_id,
        lines.valid_from,
        lines.trader_id,
        lines.note
    from lines
    union all
    select
        cast(null as bigint) as line_number,
        account_id,
        valid_from,
        trader_id,
        note
    from {{ ref('trader_accounts') }}
    where not exists (select 1 from lines)
)

select * from final
