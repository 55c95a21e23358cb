{#
    Grain: one row per date with a fill of any account: its fills, by what there is to
    ask about.
#}
with

fill_days as (
    select
        trade_date,
        fills_count,
        counted_fills_count,
        journal_fills_count,
        negative_price_fills_count
    from {{ ref('int_account_day_fills') }}
),

final as (
    select
        trade_date,
        sum(fills_count) as fills_count,
        sum(counted_fills_count) as counted_fills_count,
        sum(journal_fills_count) as journal_fills_count,
        sum(negative_price_fills_count) as negative_price_fills_count
    from fill_days
    group by trade_date
)

select * from final
