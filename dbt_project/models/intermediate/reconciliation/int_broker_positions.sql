{{ config(materialized='view') }}
{#
    Grain: one row per account, symbol and date of the broker's own positions, as
    displayed; a symbol that was traded and is flat has a row of 0.
#}
with

positions as (
    {{ current_rows(ref('stg_propreports__positions'), 'positions') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

final as (
    -- Rows of one symbol are one position; a part that is not shown makes it unknown.
    select
        ---------- keys
        accounts.account_id,
        positions.symbol,
        positions.trade_date,
        ---------- numbers
        cast({{ sum_if_known('positions.quantity') }} as decimal(38, 8)) as position_quantity,
        case when count(*) = 1 then max(positions.average_price) end as average_price,
        max(positions.close_price) as close_price,
        ---------- money
        cast({{ sum_if_known('positions.unrealized_pnl') }} as decimal(38, 8)) as unrealized_pnl
    from positions
    inner join accounts on positions.account_number = accounts.account_number
    group by accounts.account_id, positions.symbol, positions.trade_date
)

select * from final
