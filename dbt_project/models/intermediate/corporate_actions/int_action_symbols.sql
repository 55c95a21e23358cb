{#
    Grain: one row per account and symbol of the desk's corporate actions that it has had:
    by a fill or an opening lot, or because another symbol that it had became it. Its
    currency is what its fills name, else what the symbol tells, else the account's.
    So many actions of one share in a row as there are steps, but for those it has fills of.
#}
{% set steps = 5 %}

with

actions as (
    select
        symbol,
        effective_date,
        new_symbol
    from {{ ref('int_corporate_actions') }}
),

named_symbols as (
    select symbol from actions
    union
    select new_symbol as symbol from actions
),

document_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_document_days') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        symbol,
        currency
    from {{ ref('int_fills_dated') }}
    where symbol in (select named_symbols.symbol from named_symbols)
),

instruments as (
    select
        symbol,
        currency
    from {{ ref('int_instruments') }}
),

account_currencies as (
    select
        account_id,
        currency
    from {{ ref('int_account_currencies') }}
),

opening_lots as (
    select
        account_id,
        symbol,
        trade_date
    from {{ ref('int_opening_lots') }}
    where symbol in (select named_symbols.symbol from named_symbols)
),

reached_0 as (
    select
        document_days.account_id,
        fills.symbol,
        min(fills.trade_date) as first_date,
        max(fills.currency) as fill_currency
    from fills
    inner join document_days
        on
            fills.account_number = document_days.account_number
            and fills.calendar_date = document_days.calendar_date
            and fills.trade_date = document_days.trade_date
            and fills.content_hash = document_days.content_hash
    group by document_days.account_id, fills.symbol
    union
    select
        account_id,
        symbol,
        min(trade_date) as first_date,
        cast(null as string) as fill_currency
    from opening_lots
    group by account_id, symbol
),

{% for step in range(1, steps + 1) %}
    reached_{{ step }} as (
        select * from reached_{{ step - 1 }}
        union
        select
            reached_{{ step - 1 }}.account_id,
            actions.new_symbol as symbol,
            greatest(reached_{{ step - 1 }}.first_date, actions.effective_date) as first_date,
            cast(null as string) as fill_currency
        from reached_{{ step - 1 }}
        inner join actions on reached_{{ step - 1 }}.symbol = actions.symbol
    ),
{% endfor %}

reached as (
    select
        account_id,
        symbol,
        min(first_date) as first_date,
        max(fill_currency) as fill_currency
    from reached_{{ steps }}
    group by account_id, symbol
),

final as (
    select
        reached.account_id,
        reached.symbol,
        reached.first_date,
        coalesce(
            reached.fill_currency,
            instruments.currency,
            account_currencies.currency,
            '{{ var("base_currency") }}'
        ) as currency
    from reached
    left join instruments on reached.symbol = instruments.symbol
    left join account_currencies on reached.account_id = account_currencies.account_id
)

select * from final
