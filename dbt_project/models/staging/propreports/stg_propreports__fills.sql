{{ config(meta={'planned_by': 'documents'}) }}
{#
    Grain: one row per fill of a version of an account's day (content_hash, row_number).
    Only the sign of a side matters: B and C add quantity, S and T take it away.
#}
with

source as (
    select * from {{ source('propreports', 'fills') }}
),

final as (
    select
        ---------- keys
        account_number,
        trade_date,
        content_hash,
        row_number,
        ---------- text
        symbol,
        side,
        order_id,
        fill_id,
        propreports_id,
        route,
        liquidity,
        case when currency = 'USD' then 'USD' else upper(currency) end as currency,
        isin,
        cusip,
        coalesce(upper(status), '') as fill_status,
        ---------- numbers
        quantity,
        price,
        total_fees,
        ---------- flags
        side in ('B', 'C') as is_buy,
        -- CXLD leaves no trace; any other status that is not REGULAR is a journal
        -- entry, which moves position and P&L but is no volume.
        coalesce(upper(status), '') = 'CXLD' as is_cancelled,
        coalesce(upper(status), '') in ('', 'REGULAR') as is_regular,
        ---------- times
        filled_at_et
    from source
)

select * from final
