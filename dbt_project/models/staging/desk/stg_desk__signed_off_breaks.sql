{{ config(materialized='view') }}
{#
    Grain: one row per account, date and symbol whose difference from the broker somebody
    has signed off; without a symbol it is that of the day's P&L, with one that of a
    position, from the date on which it was first seen.
    A view, though small: dbt parses the whole of a statement to put an ephemeral part into it,
    and those that read this are long.
#}
with

lines as (
    {{ desk_lines('signed_off_breaks') }}
),

final as (
    select
        lines.line_number,
        lines.account_id,
        cast(lines.trade_date as date) as trade_date,
        lines.symbol,
        cast(lines.amount as decimal(18, 2)) as amount,
        lines.signed_off_by,
        lines.note
    from lines
)

select * from final
