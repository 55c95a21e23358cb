{#
    Grain: one row per date of which this run walks anew the paths of scopes: dates with a
    planned trader day, and those with fills of an account whose scopes are other ones than
    in the last finished build.
#}
with

scopes as (
    select * from {{ ref('int_account_scopes') }}
),

built_scopes as (
    select * from {{ ref('stg_ops__built_path_scopes') }}
),

planned_days as (
    select trade_date from {{ ref('int_planned_trader_days') }}
),

fill_days as (
    select
        account_id,
        trade_date
    from {{ ref('int_fill_days') }}
),

changed as (
    select
        coalesce(scopes.account_id, built_scopes.account_id) as account_id,
        coalesce(scopes.valid_from, built_scopes.valid_from) as valid_from,
        coalesce(scopes.valid_to, built_scopes.valid_to) as valid_to
    from scopes
    full outer join built_scopes
        on
            scopes.scope_type = built_scopes.scope_type
            and scopes.scope_name = built_scopes.scope_name
            and scopes.account_id = built_scopes.account_id
            and scopes.valid_from = built_scopes.valid_from
            and scopes.valid_to = built_scopes.valid_to
    where scopes.account_id is null or built_scopes.account_id is null
),

final as (
    select trade_date from planned_days
    union
    select fill_days.trade_date
    from fill_days
    inner join changed
        on
            fill_days.account_id = changed.account_id
            and fill_days.trade_date >= changed.valid_from
            and fill_days.trade_date < changed.valid_to
)

select * from final
