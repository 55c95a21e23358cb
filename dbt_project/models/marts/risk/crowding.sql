{#
    Grain: one row per date, symbol and side on which two traders or more of the desk were
    at the same time: at most within the day, and overnight.
    Within the day at the desk's own fills, overnight at marks or own fills. What is short is
    positive here: the side says it.
#}
with

peaks as (
    select * from {{ ref('int_crowding_peaks') }}
    where traders_count > 1
),

positions as (
    select
        trader_id,
        symbol,
        trade_date,
        sum(position_quantity) as position_quantity,
        {{ sum_if_known('exposure') }} as exposure
    from {{ ref('int_overnight_positions') }}
    group by trader_id, symbol, trade_date
),

overnight as (
    select
        symbol,
        trade_date,
        case when position_quantity > 0 then 'long' else 'short' end as side,
        count(*) as traders_count,
        sum(abs(position_quantity)) as quantity,
        {{ sum_if_known('abs(exposure)') }} as exposure
    from positions
    where position_quantity <> 0
    group by
        symbol,
        trade_date,
        case when position_quantity > 0 then 'long' else 'short' end
    having count(*) > 1
),

final as (
    select
        ---------- keys
        coalesce(peaks.trade_date, overnight.trade_date) as trade_date,
        coalesce(peaks.symbol, overnight.symbol) as symbol,
        coalesce(peaks.side, overnight.side) as side,
        ---------- numbers
        peaks.traders_count as peak_traders_count,
        peaks.quantity as peak_quantity,
        coalesce(overnight.traders_count, 0) as overnight_traders_count,
        cast(coalesce(overnight.quantity, 0) as decimal(38, 8)) as overnight_quantity,
        ---------- money
        cast(peaks.exposure as decimal(38, 8)) as peak_exposure,
        cast(
            case when overnight.symbol is null then 0 else overnight.exposure end
            as decimal(38, 8)
        ) as overnight_exposure,
        ---------- times
        {{ to_utc('peaks.peak_at_et') }} as peak_at
    from peaks
    full outer join overnight
        on
            peaks.trade_date = overnight.trade_date
            and peaks.symbol = overnight.symbol
            and peaks.side = overnight.side
)

select * from final
