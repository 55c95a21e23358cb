{# Grain: one row per account and date whose difference from the broker somebody has signed off. #}
with

lines as (
    {{ desk_lines('signed_off_breaks') }}
),

final as (
    select
        lines.line_number,
        lines.account_id,
        cast(lines.trade_date as date) as trade_date,
        cast(lines.amount as decimal(18, 2)) as amount,
        lines.signed_off_by,
        lines.note
    from lines
)

select * from final
