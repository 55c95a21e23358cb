{#
    Grain: one row per symbol and date on which a line of corporate_actions.csv takes
    effect before the AS_OF date.
#}
with

lines as (
    select
        line_number,
        symbol,
        effective_date,
        action,
        new_symbol,
        new_shares,
        old_shares,
        closing_price
    from {{ ref('stg_desk__corporate_actions') }}
    where refused_for is null
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

final as (
    select lines.*
    from lines
    inner join run_context on lines.effective_date < run_context.as_of_date
)

select * from final
