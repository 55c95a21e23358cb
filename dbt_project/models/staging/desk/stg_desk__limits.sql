{# Grain: one row per account and date from which its limit holds. #}
with

lines as (
    {{ desk_lines('limits') }}
),

final as (
    select
        lines.account as account_id,
        lines.valid_from,
        cast(lines.daily_loss_limit_amount as decimal(18, 8)) as daily_loss_limit_amount,
        lines.note
    from lines
)

select * from final
