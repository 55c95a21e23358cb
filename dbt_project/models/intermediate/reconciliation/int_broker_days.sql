{#
    Grain: one row per account and date of the broker's own summary, in the account's
    currency; exchange_rate is what that is worth on the date.
    The type rows of a date add up to the account's day, and a part that one of them leaves
    blank makes a sum unknown; transfers, cash and end balance stand in one of them.
#}
{% set summed = [
    'gross_pnl', 'total_fees', 'fee_columns_amount', 'net_pnl', 'adjusted_net_pnl',
    'unrealized_delta', 'total_delta', 'unrealized_pnl',
] %}
with

broker_rows as (
    {{ current_rows(ref('stg_propreports__broker_days'), 'broker_days') }}
),

accounts as (
    select
        account_number,
        account_id,
        coalesce(currency, '{{ var("base_currency") }}') as currency
    from {{ ref('int_accounts') }}
),

final as (
    select
        ---------- keys
        accounts.account_id,
        broker_rows.trade_date,
        ---------- numbers
        count(*) as type_rows_count,
        max(broker_rows.fee_columns_count) as fee_columns_count,
        max({{ rate_of('accounts.currency', 'rates') }}) as exchange_rate,
        ---------- money
        {% for column in summed -%}
            cast({{ sum_if_known('broker_rows.' ~ column) }} as decimal(38, 8)) as {{ column }},
        {% endfor -%}
        cast(sum(broker_rows.transfers_amount) as decimal(38, 8)) as transfers_amount,
        cast(sum(broker_rows.cash_amount) as decimal(38, 8)) as cash_amount,
        cast(sum(broker_rows.end_balance) as decimal(38, 8)) as end_balance
    from broker_rows
    inner join accounts on broker_rows.account_number = accounts.account_number
    {{ join_rates('rates', 'accounts.currency', 'broker_rows.trade_date') }}
    group by accounts.account_id, broker_rows.trade_date
)

select * from final
