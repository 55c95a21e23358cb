{#
    Grain: one row per scope, rule and date with a moment of the breach, account and symbol
    that was held right after it: what was held.
    A symbol that was not traded up to then is held as in the morning.
#}
with

moments as (
    select
        scope_type,
        scope_name,
        rule,
        trade_date,
        breach_sequence
    from {{ ref('int_breach_moments') }}
),

account_scopes as (
    select * from {{ ref('int_account_scopes') }}
),

fills as (
    select * from {{ ref('int_breached_fills') }}
),

held_exposures as (
    select
        account_id,
        symbol,
        trade_date,
        position_quantity,
        carried_quantity,
        carried_exposure
    from {{ ref('int_held_exposures') }}
    where carried_quantity > 0
),

traded as (
    select
        moments.scope_type,
        moments.scope_name,
        moments.rule,
        moments.trade_date,
        fills.account_id,
        fills.symbol,
        coalesce(
            max_by(
                fills.quantity_after,
                case
                    when fills.scope_sequence <= moments.breach_sequence
                        then fills.scope_sequence
                end
            ),
            max(case when fills.symbol_day_sequence = 1 then fills.quantity_before end)
        ) as position_quantity,
        coalesce(
            max_by(
                fills.exposure_after,
                case
                    when fills.scope_sequence <= moments.breach_sequence
                        then fills.scope_sequence
                end
            ),
            max(case when fills.symbol_day_sequence = 1 then fills.exposure_before end)
        ) as exposure
    from moments
    inner join fills
        on
            moments.scope_type = fills.scope_type
            and moments.scope_name = fills.scope_name
            and moments.trade_date = fills.trade_date
    group by
        moments.scope_type, moments.scope_name, moments.rule, moments.trade_date,
        fills.account_id, fills.symbol
),

untraded as (
    select
        moments.scope_type,
        moments.scope_name,
        moments.rule,
        moments.trade_date,
        held_exposures.account_id,
        held_exposures.symbol,
        held_exposures.position_quantity,
        held_exposures.carried_exposure as exposure
    from moments
    inner join account_scopes
        on
            moments.scope_type = account_scopes.scope_type
            and moments.scope_name = account_scopes.scope_name
            and moments.trade_date >= account_scopes.valid_from
            and moments.trade_date < account_scopes.valid_to
    inner join held_exposures
        on
            account_scopes.account_id = held_exposures.account_id
            and moments.trade_date = held_exposures.trade_date
),

held as (
    select * from traded
    where position_quantity <> 0
    union all
    select * from untraded
),

final as (
    select
        scope_type,
        scope_name,
        rule,
        trade_date,
        account_id,
        symbol,
        cast(position_quantity as decimal(38, 8)) as position_quantity,
        cast(exposure as decimal(38, 2)) as exposure
    from held
)

select * from final
