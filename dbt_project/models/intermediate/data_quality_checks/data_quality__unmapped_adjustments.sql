{# Grain: one row: adjustments of which nobody has said what they are, by category. #}
with

categories as (
    select
        category,
        count(*) as adjustments_count,
        cast(sum(adjustment_amount) as decimal(38, 2)) as adjustment_amount
    from {{ ref('int_adjustments') }}
    where adjustment_class = 'unknown'
    group by category
),

categories_ordered as (
    select
        *,
        row_number() over (
            order by abs(adjustment_amount) desc, category asc
        ) as shown_order
    from categories
),

final as (
    select
        'unmapped_adjustments' as check_name,
        coalesce(sum(adjustments_count), 0) as found_count,
        'adjustments are of categories without a class, and are no P&L until they have one; '
        || 'lines to add: '
        || {{ first_few_joined(
            "category || ',CLASS, for ' || adjustments_count || ' of ' "
            ~ "|| adjustment_amount || ' dollars'",
            '; ',
        ) }} as finding
    from categories_ordered
)

select * from final
