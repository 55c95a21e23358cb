{#
    Grain: one row per trader, group, strategy or desk and date on which an account in it
    has a counted fill or carries a position.
    As fct_exposure of single accounts: within the day every position is worth what it is
    at the account's own last fill in it (at own fills, not market), overnight what the
    mark says. Peaks are of all accounts at the same moment. Symbols are netted across
    accounts for what is the largest, and for nothing else. An unknown part makes it unknown.
#}
with

account_days as (
    select
        account_id,
        trade_date,
        opening_gross_exposure,
        opening_net_exposure,
        overnight_long_exposure,
        overnight_short_exposure
    from {{ ref('fct_exposure') }}
),

held_exposures as (
    select
        account_id,
        symbol,
        trade_date,
        carried_exposure,
        overnight_exposure
    from {{ ref('int_held_exposures') }}
),

fill_results as (
    select
        account_id,
        symbol,
        trade_date,
        exposure_before,
        exposure_after
    from {{ ref('int_fill_results') }}
),

paths as (
    select * from {{ ref('int_scope_paths') }}
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
    where scope_type <> 'account'
),

scope_days as (
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        account_days.trade_date,
        count(*) as accounts_count,
        {{ sum_if_known('account_days.opening_gross_exposure') }} as opening_gross,
        {{ sum_if_known('account_days.opening_net_exposure') }} as opening_net,
        {{ sum_if_known('account_days.overnight_long_exposure') }} as overnight_long,
        {{ sum_if_known('account_days.overnight_short_exposure') }} as overnight_short
    from account_days
    inner join account_scopes
        on
            account_days.account_id = account_scopes.account_id
            and account_days.trade_date >= account_scopes.valid_from
            and account_days.trade_date < account_scopes.valid_to
    group by account_scopes.scope_type, account_scopes.scope_name, account_days.trade_date
),

account_symbols as (
    -- The largest that the position of an account in a symbol was during the day.
    select
        account_id,
        symbol,
        trade_date,
        max(greatest(abs(exposure_before), abs(exposure_after))) as peak_exposure,
        cast(null as decimal(38, 2)) as overnight_exposure
    from fill_results
    group by account_id, symbol, trade_date
    union all
    select
        account_id,
        symbol,
        trade_date,
        abs(carried_exposure) as peak_exposure,
        overnight_exposure
    from held_exposures
),

scope_symbols as (
    select
        account_scopes.scope_type,
        account_scopes.scope_name,
        account_symbols.trade_date,
        account_symbols.symbol,
        max(account_symbols.peak_exposure) as peak_exposure,
        sum(account_symbols.overnight_exposure) as overnight_exposure
    from account_symbols
    inner join account_scopes
        on
            account_symbols.account_id = account_scopes.account_id
            and account_symbols.trade_date >= account_scopes.valid_from
            and account_symbols.trade_date < account_scopes.valid_to
    group by
        account_scopes.scope_type, account_scopes.scope_name,
        account_symbols.trade_date, account_symbols.symbol
),

scope_peaks as (
    select
        scope_type,
        scope_name,
        trade_date,
        max(peak_exposure) as peak_exposure,
        max(abs(overnight_exposure)) as overnight_exposure
    from scope_symbols
    group by scope_type, scope_name, trade_date
),

scope_symbols_compared as (
    select
        scope_symbols.*,
        scope_symbols.peak_exposure > 0
        and scope_symbols.peak_exposure = scope_peaks.peak_exposure as is_largest,
        scope_symbols.overnight_exposure <> 0
        and abs(scope_symbols.overnight_exposure) = scope_peaks.overnight_exposure
            as is_largest_overnight
    from scope_symbols
    inner join scope_peaks
        on
            scope_symbols.scope_type = scope_peaks.scope_type
            and scope_symbols.scope_name = scope_peaks.scope_name
            and scope_symbols.trade_date = scope_peaks.trade_date
),

largest as (
    -- Of equal ones the first by name.
    select
        scope_type,
        scope_name,
        trade_date,
        min(case when is_largest then symbol end) as largest_symbol,
        max(case when is_largest then peak_exposure end) as largest_symbol_exposure,
        min(case when is_largest_overnight then symbol end) as overnight_symbol,
        min_by(overnight_exposure, case when is_largest_overnight then symbol end)
            as overnight_symbol_exposure,
        sum(abs(overnight_exposure)) as overnight_netted,
        {{ count_where('overnight_exposure <> 0') }} as overnight_symbols_count
    from scope_symbols_compared
    group by scope_type, scope_name, trade_date
),

scopes_joined as (
    select
        scope_days.*,
        largest.largest_symbol,
        largest.largest_symbol_exposure,
        largest.overnight_symbol,
        largest.overnight_symbol_exposure,
        largest.overnight_netted,
        coalesce(largest.overnight_symbols_count, 0) as overnight_symbols_count,
        -- Without a fill nothing moved.
        scope_days.opening_gross
        + case when paths.scope_name is null then 0 else paths.most_gross_moved end
            as peak_gross,
        scope_days.opening_net
        + case when paths.scope_name is null then 0 else paths.most_net_moved end
            as highest_net,
        scope_days.opening_net
        + case when paths.scope_name is null then 0 else paths.least_net_moved end
            as lowest_net,
        paths.gross_at_et,
        paths.net_long_at_et,
        paths.net_short_at_et
    from scope_days
    left join paths
        on
            scope_days.scope_type = paths.scope_type
            and scope_days.scope_name = paths.scope_name
            and scope_days.trade_date = paths.trade_date
    left join largest
        on
            scope_days.scope_type = largest.scope_type
            and scope_days.scope_name = largest.scope_name
            and scope_days.trade_date = largest.trade_date
),

final as (
    select
        ---------- keys
        scope_type,
        scope_name,
        trade_date,
        ---------- text
        'at own fills, not market' as intraday_basis,
        largest_symbol,
        overnight_symbol,
        ---------- numbers
        cast(accounts_count as bigint) as accounts_count,
        cast(overnight_symbols_count as bigint) as overnight_symbols_count,
        {{ safe_divide('abs(overnight_symbol_exposure)', 'overnight_netted') }}
            as overnight_concentration,
        ---------- money
        cast(peak_gross as decimal(38, 8)) as peak_gross_exposure,
        cast(case when highest_net < 0 then 0 else highest_net end as decimal(38, 8))
            as peak_net_long_exposure,
        cast(case when lowest_net > 0 then 0 else lowest_net end as decimal(38, 8))
            as peak_net_short_exposure,
        cast(largest_symbol_exposure as decimal(38, 8)) as largest_symbol_exposure,
        cast(overnight_long - overnight_short as decimal(38, 8)) as overnight_gross_exposure,
        cast(overnight_long + overnight_short as decimal(38, 8)) as overnight_net_exposure,
        cast(overnight_symbol_exposure as decimal(38, 8)) as overnight_symbol_exposure,
        ---------- times
        case when peak_gross is not null then {{ to_utc('gross_at_et') }} end
            as peak_gross_at,
        case when highest_net > 0 then {{ to_utc('net_long_at_et') }} end
            as peak_net_long_at,
        case when lowest_net < 0 then {{ to_utc('net_short_at_et') }} end
            as peak_net_short_at
    from scopes_joined
)

select * from final
