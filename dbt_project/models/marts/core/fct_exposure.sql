{#
    Grain: one row per account and date with a counted fill, with a position carried
    through a session, or off session through a date on which something was booked.
    Within the day every position is worth what it is at the account's own last fill in
    it: at own fills, not market. At the close it is worth the mark, where one is known.
    What is short is below zero: net is long + short, gross long - short.
#}
with

held_exposures as (
    select * from {{ ref('int_held_exposures') }}
),

paths as (
    select * from {{ ref('int_exposure_paths') }}
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

held_summed as (
    select
        account_id,
        trade_date,
        max(carried_quantity) as carried_quantity,
        count(*) = count(carried_exposure) as is_carried_known,
        sum(abs(carried_exposure)) as carried_gross,
        sum(carried_exposure) as carried_net,
        count(*) = count(overnight_exposure) as is_overnight_known,
        sum(greatest(overnight_exposure, 0)) as overnight_long,
        sum(least(overnight_exposure, 0)) as overnight_short,
        {{ count_where('position_quantity <> 0') }} as open_symbols_count,
        {{ count_where('position_quantity <> 0 and is_marked') }} as marked_symbols_count
    from held_exposures
    group by account_id, trade_date
),

account_days as (
    select
        coalesce(paths.account_id, held_summed.account_id) as account_id,
        coalesce(paths.trade_date, held_summed.trade_date) as trade_date,
        greatest(
            coalesce(paths.opening_quantity, 0), coalesce(held_summed.carried_quantity, 0)
        ) as opening_quantity,
        greatest(
            coalesce(paths.peak_quantity, 0), coalesce(held_summed.carried_quantity, 0)
        ) as peak_quantity,
        {% for column, traded, carried in [
            ('opening_gross', 'opening_gross_exposure', 'carried_gross'),
            ('opening_net', 'opening_net_exposure', 'carried_net'),
            ('peak_gross', 'peak_gross_exposure', 'carried_gross'),
            ('highest_net', 'highest_net_exposure', 'carried_net'),
            ('lowest_net', 'lowest_net_exposure', 'carried_net'),
        ] -%}
            case when paths.account_id is null then 0 else paths.{{ traded }} end
            + case
                when held_summed.account_id is null then 0
                when held_summed.is_carried_known then held_summed.{{ carried }}
            end as {{ column }},
        {% endfor -%}
        {% for column in ['overnight_long', 'overnight_short'] -%}
            case
                when held_summed.account_id is null then 0
                when held_summed.is_overnight_known then held_summed.{{ column }}
            end as {{ column }},
        {% endfor -%}
        coalesce(held_summed.open_symbols_count, 0) as open_symbols_count,
        coalesce(held_summed.marked_symbols_count, 0) as marked_symbols_count,
        case
            when paths.peak_quantity > coalesce(held_summed.carried_quantity, 0)
                then paths.quantity_at_et
        end as quantity_at_et,
        paths.gross_at_et,
        paths.net_long_at_et,
        paths.net_short_at_et
    from paths
    full outer join held_summed
        on
            paths.account_id = held_summed.account_id
            and paths.trade_date = held_summed.trade_date
),

final as (
    select
        ---------- keys
        account_days.account_id,
        account_traders.trader_id,
        account_days.trade_date,
        ---------- text
        'at own fills, not market' as intraday_basis,
        case
            when account_days.open_symbols_count = 0 then 'flat'
            when account_days.marked_symbols_count = account_days.open_symbols_count
                then 'marks'
            when account_days.marked_symbols_count = 0 then 'own fills'
            else 'marks and own fills'
        end as overnight_basis,
        ---------- numbers
        cast(account_days.open_symbols_count as bigint) as open_symbols_count,
        cast(account_days.marked_symbols_count as bigint) as marked_symbols_count,
        cast(account_days.opening_quantity as decimal(38, 8)) as opening_quantity,
        cast(account_days.peak_quantity as decimal(38, 8)) as peak_quantity,
        ---------- money
        cast(account_days.opening_gross as decimal(38, 8)) as opening_gross_exposure,
        cast(account_days.opening_net as decimal(38, 8)) as opening_net_exposure,
        cast(account_days.peak_gross as decimal(38, 8)) as peak_gross_exposure,
        cast(
            case
                when account_days.highest_net < 0 then 0 else account_days.highest_net
            end as decimal(38, 8)
        ) as peak_net_long_exposure,
        cast(
            case when account_days.lowest_net > 0 then 0 else account_days.lowest_net end
            as decimal(38, 8)
        ) as peak_net_short_exposure,
        cast(account_days.overnight_long as decimal(38, 8)) as overnight_long_exposure,
        cast(account_days.overnight_short as decimal(38, 8)) as overnight_short_exposure,
        cast(account_days.overnight_long - account_days.overnight_short as decimal(38, 8))
            as overnight_gross_exposure,
        cast(account_days.overnight_long + account_days.overnight_short as decimal(38, 8))
            as overnight_net_exposure,
        ---------- times
        {{ to_utc('account_days.quantity_at_et') }} as peak_quantity_at,
        case
            when account_days.peak_gross is not null
                then {{ to_utc('account_days.gross_at_et') }}
        end as peak_gross_at,
        case
            when account_days.highest_net > 0
                then {{ to_utc('account_days.net_long_at_et') }}
        end as peak_net_long_at,
        case
            when account_days.lowest_net < 0
                then {{ to_utc('account_days.net_short_at_et') }}
        end as peak_net_short_at
    from account_days
    inner join account_traders
        on
            account_days.account_id = account_traders.account_id
            and account_days.trade_date >= account_traders.valid_from
            and account_days.trade_date < account_traders.valid_to
)

select * from final
