{#
    Grain: one row per fill of the current version of each (account, trade date).
    fill_sequence numbers the fills of an account and symbol in time, ties broken by
    the provider's fill id (as a number where it is one). Fill ids are not unique, so
    nothing is deduplicated by them.
#}
with

fills as (
    {{ current_rows(ref('stg_propreports__fills'), 'fills') }}
),

accounts as (
    select
        account_number,
        account_id,
        trader_id
    from {{ ref('int_accounts') }}
),

instruments as (
    select
        symbol,
        instrument_type,
        multiplier
    from {{ ref('int_instruments') }}
),

final as (
    select
        ---------- keys
        accounts.account_id,
        accounts.trader_id,
        fills.symbol,
        fills.trade_date,
        row_number() over (
            partition by accounts.account_id, fills.symbol
            order by
                fills.filled_at_et asc,
                try_cast(fills.fill_id as bigint) asc nulls last,
                fills.fill_id asc nulls last,
                try_cast(fills.propreports_id as bigint) asc nulls last,
                fills.propreports_id asc nulls last,
                fills.row_number asc
        ) as fill_sequence,
        fills.content_hash,
        fills.row_number,
        ---------- text
        instruments.instrument_type,
        fills.order_id,
        fills.fill_status,
        fills.currency,
        ---------- numbers
        fills.quantity,
        case when fills.is_buy then fills.quantity else -fills.quantity end
            as signed_quantity,
        fills.price,
        instruments.multiplier,
        fills.total_fees,
        ---------- flags
        fills.is_buy,
        fills.is_regular,
        not fills.is_cancelled and instruments.multiplier is not null as is_counted,
        not fills.is_cancelled and instruments.multiplier is null as lacks_multiplier,
        -- PropReports writes midnight where the time is unknown.
        fills.filled_at_et > cast(fills.trade_date as timestamp) as has_fill_time,
        ---------- times
        fills.filled_at_et
    from fills
    inner join accounts on fills.account_number = accounts.account_number
    left join instruments on fills.symbol = instruments.symbol
)

select * from final
