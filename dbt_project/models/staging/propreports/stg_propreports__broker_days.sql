{#
    Grain: one row per account, date and instrument type of the broker's own daily
    summary (a version of it), as displayed: rounded to cents.
    Its fee columns differ by firm and are kept aside, zeros left out; here they are added
    up. A column kept aside that is neither a fee nor an adjustment known makes the sum
    unknown: it may be a fee.
#}
{% set fee_labels = [
    'comm', 'ecn fee', 'sec', 'orf', 'cat', 'taf', 'ftt', 'nscc', 'acc', 'clr', 'nfa',
    'occ', 'misc', 'regulatory fees',
] %}

with

source as (
    select * from {{ source('propreports', 'broker_days') }}
),

extra_cells as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        cell,
        lower(column_name) as column_label,
        lower(column_name) in (
            {% for label in fee_labels %}
                '{{ label }}'{{ "," if not loop.last }}
            {% endfor %}
        ) as is_fee
    from {{ source('propreports', 'extra_cells') }}
    where resource = 'broker_days'
),

amounts as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        column_label,
        is_fee,
        case
            when is_fee
                then
                    case when cell like '(%' then -1 else 1 end
                    * try_cast(translate(cell, '()$,+ ', '') as decimal(18, 8))
        end as fee_amount
    from extra_cells
    where
        is_fee
        or not (
            column_label = 'adj fees'
            or column_label like 'fee: %'
            or column_label like 'transfer: %'
        )
),

fee_columns as (
    select count(distinct column_label) as columns_count
    from amounts
    where is_fee
),

row_fees as (
    select
        account_number,
        trade_date,
        content_hash,
        row_number,
        case when count(*) = count(fee_amount) then sum(fee_amount) end as fee_amount,
        count(*) as cells_count
    from amounts
    group by account_number, trade_date, content_hash, row_number
),

final as (
    select
        ---------- keys
        source.account_number,
        source.trade_date,
        source.content_hash,
        source.row_number,
        source.instrument_type,
        ---------- numbers
        source.orders_count,
        source.fills_count,
        source.quantity,
        fee_columns.columns_count as fee_columns_count,
        ---------- money
        source.gross_pnl,
        source.total_fees,
        case
            when row_fees.cells_count > 0 then row_fees.fee_amount
            when source.total_fees = 0 then 0
        end as fee_columns_amount,
        source.net_pnl,
        source.adjusted_net_pnl,
        source.unrealized_delta,
        source.total_delta,
        source.transfers_amount,
        source.cash_amount,
        source.unrealized_pnl,
        source.end_balance
    from source
    cross join fee_columns
    left join row_fees
        on
            source.account_number = row_fees.account_number
            and source.trade_date = row_fees.trade_date
            and source.content_hash = row_fees.content_hash
            and source.row_number = row_fees.row_number
)

select * from final
