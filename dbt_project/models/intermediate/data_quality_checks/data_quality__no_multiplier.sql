{# Grain: one row: fills of unknown contract size, by the root that has no line. #}
with

fills as (
    select
        account_id,
        symbol,
        {{ exact_product('quantity', 'price', '1') }} as unit_notional
    from {{ ref('int_fills_current') }}
    where lacks_multiplier
),

instruments as (
    select
        symbol,
        symbol_root,
        instrument_type
    from {{ ref('int_instruments') }}
),

broker_sizes as (
    select
        symbol_root,
        min(broker_multiplier) as broker_multiplier
    from {{ ref('int_broker_multipliers') }}
    where multiplier is null
    group by symbol_root
    having min(broker_multiplier) = max(broker_multiplier)
),

roots as (
    select
        instruments.symbol_root,
        max(coalesce(instruments.instrument_type, 'TYPE')) as instrument_type,
        count(*) as fills_count,
        count(distinct fills.account_id) as accounts_count,
        cast(sum(abs(fills.unit_notional)) as decimal(38, 2)) as unit_notional
    from fills
    inner join instruments on fills.symbol = instruments.symbol
    group by instruments.symbol_root
),

roots_ordered as (
    select
        roots.*,
        case
            when broker_sizes.symbol_root is null then ''
            else
                ' (SIZE is ' || {{ plain_number('broker_sizes.broker_multiplier') }}
                || ' by the broker''s prices and unrealized)'
        end as size_text,
        row_number() over (
            order by roots.fills_count desc, roots.symbol_root asc
        ) as shown_order
    from roots
    left join broker_sizes on roots.symbol_root = broker_sizes.symbol_root
),

final as (
    select
        'no_multiplier' as check_name,
        coalesce(sum(fills_count), 0) as found_count,
        'fills of instruments without a contract size are excluded, from days traded too; '
        || 'lines to add: '
        || {{ first_few_joined(
            "symbol_root || ',' || instrument_type || ',SIZE,, for ' || fills_count "
            ~ "|| ' fills of ' || accounts_count || ' accounts, dollars ' "
            ~ "|| unit_notional || ' times SIZE' || size_text",
            '; ',
        ) }} as finding
    from roots_ordered
)

select * from final
