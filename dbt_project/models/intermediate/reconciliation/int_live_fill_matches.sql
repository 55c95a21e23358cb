{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per fill of a live session that the live desk or PropReports has: the
    two are one row where they are the same.
    No id is common to both, so fills are paired within account, symbol and direction: of
    the same quantity and price first, then of the same quantity, then of the same price,
    the first of each side with the first of the other. What is left, one side lacks.
#}
{% set fill = 'account_id, trade_date, symbol, is_buy' %}
{% set rounds = [('same', 'quantity, price'), ('price', 'quantity'), ('quantity', 'price')] %}
with

sessions as (
    select session_date from {{ ref('stg_ops__live_sessions') }}
),

live_fills_0 as (
    select
        account_id,
        session_date as trade_date,
        symbol,
        side in ('B', 'C') as is_buy,
        quantity,
        price,
        source || ' ' || exec_id as fill_key,
        executed_at
    from {{ ref('stg_ops__live_fills') }}
),

broker_fills_0 as (
    select
        fills.account_id,
        fills.trade_date,
        fills.symbol,
        fills.signed_quantity > 0 as is_buy,
        fills.quantity,
        fills.price,
        cast(fills.fill_sequence as string) as fill_key,
        fills.filled_at as executed_at
    from {{ ref('fct_fills') }} as fills
    inner join sessions on fills.trade_date = sessions.session_date
    -- What the broker booked by hand is no execution.
    where fills.is_regular and not fills.is_cancelled and not fills.is_corporate_action
),
{% for match_class, same in rounds %}
    {% set before, now = loop.index0, loop.index %}

    {% for side in ['live', 'broker'] %}
        {{ side }}_numbered_{{ now }} as (
            select
                *,
                row_number() over (
                    partition by {{ fill }}, {{ same }} order by executed_at, fill_key
                ) as place
            from {{ side }}_fills_{{ before }}
        ),

    {% endfor %}
    pairs_{{ now }} as (
        select
            live.account_id,
            live.trade_date,
            live.symbol,
            live.is_buy,
            live.fill_key as live_fill_key,
            broker.fill_key,
            live.quantity as live_quantity,
            broker.quantity,
            live.price as live_price,
            broker.price,
            live.executed_at as live_executed_at,
            broker.executed_at
        from live_numbered_{{ now }} as live
        inner join broker_numbered_{{ now }} as broker
            on
                live.account_id = broker.account_id
                and live.trade_date = broker.trade_date
                and live.symbol = broker.symbol
                and live.is_buy = broker.is_buy
                {%- for column in same.split(', ') %}
                    and live.{{ column }} = broker.{{ column }}
                {%- endfor %}
                and live.place = broker.place
    ),

    {% for side, key in [('live', 'live_fill_key'), ('broker', 'fill_key')] %}
        {{ side }}_fills_{{ now }} as (
            select fills.*
            from {{ side }}_fills_{{ before }} as fills
            left join pairs_{{ now }} as pairs
                on
                    fills.account_id = pairs.account_id
                    and fills.trade_date = pairs.trade_date
                    and fills.symbol = pairs.symbol
                    and fills.fill_key = pairs.{{ key }}
            where pairs.account_id is null
        ),

    {% endfor %}
{% endfor %}

fills_matched as (
    {% for match_class, same in rounds %}
        select
            *,
            '{{ match_class }}' as match_class
        from pairs_{{ loop.index }}
        union all
    {% endfor %}
    select
        account_id,
        trade_date,
        symbol,
        is_buy,
        fill_key as live_fill_key,
        cast(null as string) as fill_key,
        quantity as live_quantity,
        cast(null as decimal(38, 8)) as quantity,
        price as live_price,
        cast(null as decimal(38, 8)) as price,
        executed_at as live_executed_at,
        cast(null as timestamp) as executed_at,
        'extra' as match_class
    from live_fills_{{ rounds | length }}
    union all
    select
        account_id,
        trade_date,
        symbol,
        is_buy,
        cast(null as string) as live_fill_key,
        fill_key,
        cast(null as decimal(38, 8)) as live_quantity,
        quantity,
        cast(null as decimal(38, 8)) as live_price,
        price,
        cast(null as timestamp) as live_executed_at,
        executed_at,
        'missing' as match_class
    from broker_fills_{{ rounds | length }}
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        symbol,
        coalesce('live ' || live_fill_key, 'broker ' || fill_key) as match_key,
        live_fill_key,
        fill_key,
        ---------- verdict
        match_class,
        is_buy,
        ---------- numbers
        live_quantity,
        quantity,
        live_price,
        price,
        ---------- times (UTC)
        live_executed_at,
        executed_at
    from fills_matched
)

select * from final
