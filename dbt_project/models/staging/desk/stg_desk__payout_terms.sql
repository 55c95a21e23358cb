{# Grain: one row per trader and date from which the terms of the payout hold. #}
with

lines as (
    {{ desk_lines('payout_terms') }}
),

final as (
    select
        lines.line_number,
        lines.trader_id,
        coalesce(cast(lines.valid_from as date), {{ min_date() }}) as valid_from,
        cast(lines.payout_rate as decimal(18, 8)) as payout_rate,
        cast(lines.carries_loss as boolean) as carries_loss,
        cast(lines.fees_deducted as boolean) as fees_deducted
    from lines
)

select * from final
