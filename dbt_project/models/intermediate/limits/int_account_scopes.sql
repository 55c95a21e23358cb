{#
    Grain: one row per scope of limits (an account, a trader, a group, a strategy, the
    desk), account in it and date from which the account is. What is in no total of the
    desk is in its own account's scope alone.
#}
with

account_traders as (
    select
        account_id,
        trader_id,
        is_in_desk_total,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

traders as (
    select
        trader_id,
        trader_group,
        strategy,
        valid_from,
        valid_to
    from {{ ref('dim_traders') }}
),

accounts_of_traders as (
    -- A trader may change the group, and an account the trader.
    select
        account_traders.account_id,
        traders.trader_group,
        traders.strategy,
        greatest(account_traders.valid_from, traders.valid_from) as valid_from,
        least(account_traders.valid_to, traders.valid_to) as valid_to
    from account_traders
    inner join traders
        on
            account_traders.trader_id = traders.trader_id
            and account_traders.valid_from < traders.valid_to
            and account_traders.valid_to > traders.valid_from
    where account_traders.is_in_desk_total
),

final as (
    select distinct
        'account' as scope_type,
        account_id as scope_name,
        account_id,
        {{ min_date() }} as valid_from,
        {{ max_date() }} as valid_to
    from account_traders
    union all
    select
        'trader' as scope_type,
        trader_id as scope_name,
        account_id,
        valid_from,
        valid_to
    from account_traders
    where is_in_desk_total
    {%- for column in ['trader_group', 'strategy'] %}
        union all
        select
            '{{ column }}' as scope_type,
            {{ column }} as scope_name,
            account_id,
            valid_from,
            valid_to
        from accounts_of_traders
        where {{ column }} is not null
    {%- endfor %}
    union all
    select
        'desk' as scope_type,
        'desk' as scope_name,
        account_id,
        valid_from,
        valid_to
    from account_traders
    where is_in_desk_total
)

select * from final
