{#
    Grain: one row per trader, group, strategy or desk, date and sector in which an account
    of it holds a position overnight; what has no sector is in 'not set'.
    At marks, or the account's own last fill, as fct_scope_exposure, whose overnight figures
    are the sums of these. A desk that sets no sector in instruments.csv has no row.
#}
with

symbol_sectors as (
    select
        symbol,
        sector
    from {{ ref('int_symbol_sectors') }}
    where sector is not null
),

held_exposures as (
    select
        account_id,
        symbol,
        trade_date,
        overnight_exposure
    from {{ ref('int_held_exposures') }}
    where
        position_quantity <> 0
        and exists (select 1 from symbol_sectors)
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
    where scope_type <> 'account'
),

positions as (
    select
        held_exposures.*,
        coalesce(symbol_sectors.sector, 'not set') as sector
    from held_exposures
    left join symbol_sectors on held_exposures.symbol = symbol_sectors.symbol
),

sector_days as (
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        positions.trade_date,
        positions.sector,
        count(distinct positions.symbol) as symbols_count,
        count(distinct case
            when positions.overnight_exposure is null then positions.symbol
        end) as unknown_symbols_count,
        {{ sum_if_known('abs(positions.overnight_exposure)') }} as gross_exposure,
        {{ sum_if_known('positions.overnight_exposure') }} as net_exposure
    from positions
    inner join account_scopes
        on
            positions.account_id = account_scopes.account_id
            and positions.trade_date >= account_scopes.valid_from
            and positions.trade_date < account_scopes.valid_to
    group by
        account_scopes.scope_type, account_scopes.scope_name,
        positions.trade_date, positions.sector
),

final as (
    select
        ---------- keys
        scope_type,
        scope_name,
        trade_date,
        sector,
        ---------- numbers
        cast(symbols_count as bigint) as symbols_count,
        cast(unknown_symbols_count as bigint) as unknown_symbols_count,
        ---------- money
        cast(gross_exposure as decimal(38, 8)) as overnight_gross_exposure,
        cast(net_exposure as decimal(38, 8)) as overnight_net_exposure
    from sector_days
)

select * from final
