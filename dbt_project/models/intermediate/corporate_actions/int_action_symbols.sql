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

had_symbols as (
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
    union all
    select
        account_id,
        symbol,
        min(trade_date) as first_date,
        cast(null as string) as fill_currency
    from opening_lots
    group by account_id, symbol
),

-- What a symbol becomes is worked out without the fills: Spark makes a CTE anew wherever
-- it is named.
becomes_0 as (
    select
        symbol,
        symbol as became,
        {{ min_date() }} as became_date
    from named_symbols
),

{% for step in range(1, steps + 1) %}
    becomes_{{ step }} as (
        select
            earlier.symbol,
            actions.new_symbol as became,
            greatest(earlier.became_date, actions.effective_date) as became_date
        from becomes_{{ step - 1 }} as earlier
        inner join actions on earlier.became = actions.symbol
        where actions.new_symbol <> actions.symbol
    ),
{% endfor %}

becomes as (
    {% for step in range(steps + 1) -%}
        {{ 'union' if not loop.first }}
        select * from becomes_{{ step }}
    {% endfor %}
),

reached as (
    select
        had_symbols.account_id,
        becomes.became as symbol,
        min(greatest(had_symbols.first_date, becomes.became_date)) as first_date,
        max(case when becomes.became = had_symbols.symbol then had_symbols.fill_currency end)
            as fill_currency
    from had_symbols
    inner join becomes on had_symbols.symbol = becomes.symbol
    group by had_symbols.account_id, becomes.became
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
