{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and date with a counted fill.
    What the day's fills add up to by themselves, whatever was held before.
#}
with

matches as (
    {{ planned_rows(ref('int_fills_matched'), 'account_days') }}
),

final as (
    select
        ---------- keys
        account_id,
        symbol,
        trade_date,
        max(book_symbol) as book_symbol,
        ---------- numbers
        max(units_per_share) as units_per_share,
        max(multiplier) as multiplier,
        cast(sum(case when is_buy then quantity else -quantity end) as decimal(38, 8))
            as signed_quantity,
        ---------- money
        cast(
            sum(
                {{ exact_product(
                    'case when is_buy then quantity else -quantity end',
                    'price',
                    'multiplier',
                ) }}
            ) as decimal(38, 8)
        ) as paid_amount,
        cast(
            sum(
                case when is_buy then -1 else 1 end
                * {{ exact_product('matched_quantity', 'price', 'multiplier') }}
            ) as decimal(38, 8)
        ) as intraday_gross_pnl,
        cast(sum(total_fees) as decimal(38, 8)) as total_fees,
        ---------- flags
        min(case when is_buy then 1 else 0 end) <> max(case when is_buy then 1 else 0 end)
            as has_both_sides,
        min(case when is_regular then 1 else 0 end) = 0 as has_journal_entries
    from matches
    group by account_id, symbol, trade_date
)

select * from final
