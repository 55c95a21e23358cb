{{ config(
    materialized='incremental',
    meta={'planned_by': 'account_days'},
    tags=['planned'],
) }}
{#
    Grain: one row per account, symbol and date with a counted fill.
    What the day's fills add up to by themselves, whatever was held before. P&L is of their
    currency, which is unknown where they name several; fees are in the base currency.
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
        ---------- text
        case when min(currency) = max(currency) then max(currency) end as currency,
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
        cast({{ sum_if_known('total_fees') }} as decimal(38, 8)) as total_fees,
        ---------- flags
        min(case when is_buy then 1 else 0 end) <> max(case when is_buy then 1 else 0 end)
            as has_both_sides,
        min(case when is_regular then 1 else 0 end) = 0 as has_journal_entries
    from matches
    group by account_id, symbol, trade_date
)

select * from final
