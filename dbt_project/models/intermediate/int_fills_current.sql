{#
    Grain: one row per fill of the current version of each (account, trade date).
    day_sequence numbers the fills of a trader's day in time, ties broken by the
    provider's fill id (as a number where it is one); fill_sequence those of an account
    and symbol over all dates, in the same order. Fill ids are not unique, so nothing is
    deduplicated by them.
    A fill belongs to the trader whom the account belonged to on its trade date.
#}
with

fills as (
    {{ current_rows(ref('stg_propreports__fills'), 'fills') }}
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

instruments as (
    select
        symbol,
        instrument_type,
        multiplier
    from {{ ref('int_instruments') }}
),

fills_identified as (
    select
        fills.*,
        accounts.account_id,
        account_traders.trader_id,
        instruments.instrument_type,
        instruments.multiplier,
        try_cast(fills.fill_id as bigint) as fill_number,
        try_cast(fills.propreports_id as bigint) as propreports_number
    from fills
    inner join accounts on fills.account_number = accounts.account_number
    inner join account_traders
        on
            accounts.account_id = account_traders.account_id
            and fills.trade_date >= account_traders.valid_from
            and fills.trade_date < account_traders.valid_to
    left join instruments on fills.symbol = instruments.symbol
),

days_sequenced as (
    select
        *,
        row_number() over (
            partition by trader_id, trade_date
            order by
                filled_at_et asc,
                fill_number asc nulls last,
                fill_id asc nulls last,
                propreports_number asc nulls last,
                propreports_id asc nulls last,
                account_id asc,
                symbol asc,
                row_number asc
        ) as day_sequence,
        {{ exact_product('quantity', 'price', 'multiplier') }} as exact_notional,
        case when is_buy then quantity else -quantity end as signed_quantity,
        not is_cancelled and multiplier is not null as is_counted
    from fills_identified
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        trade_date,
        row_number() over (
            partition by account_id, symbol order by trade_date, day_sequence
            rows between unbounded preceding and current row
        ) as fill_sequence,
        day_sequence,
        account_number,
        row_number,
        ---------- text
        instrument_type,
        side,
        order_id,
        fill_id,
        propreports_id,
        route,
        liquidity,
        fill_status,
        currency,
        ---------- numbers
        quantity,
        signed_quantity,
        -- Numbered and added up in one sort.
        sum(case when is_counted then signed_quantity else 0 end) over (
            partition by account_id, symbol order by trade_date, day_sequence
            rows between unbounded preceding and current row
        ) as position_after,
        price,
        multiplier,
        -- To the cent, so that sums of squares fit 38 digits.
        {{ to_cents('abs(exact_notional)') }} as notional,
        total_fees,
        ---------- flags
        is_buy,
        is_regular,
        is_cancelled,
        is_counted,
        not is_cancelled and multiplier is null as lacks_multiplier,
        -- PropReports writes midnight where the time is unknown.
        filled_at_et > cast(trade_date as timestamp) as has_fill_time,
        ---------- times
        filled_at_et
    from days_sequenced
)

select * from final
