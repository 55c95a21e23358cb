{#
    Grain: one row per account, symbol and span of dates (valid_from to valid_to, which is
    no part of it) between corporate actions that concern the account, with the action that
    ends it. Actions by which lots are converted one by one (int_conversions) end none. A
    symbol that another one is renamed to begins a span on that date.
    A table of its own: int_symbol_books joins it with itself over and over, and Spark makes
    a CTE anew wherever it is named.
#}
with

actions as (
    select
        account_id,
        line_number,
        symbol,
        effective_date,
        new_symbol,
        new_shares,
        old_shares,
        closing_price,
        cost_share,
        first_date
    from {{ ref('int_account_actions') }}
    where is_between_currencies is distinct from true
),

conversions as (
    select
        account_id,
        line_number
    from {{ ref('int_conversions') }}
),

renamings as (
    -- What is converted lot by lot is no other name or unit of what it was; and what the
    -- account had not had by then became nothing else in it.
    select actions.*
    from actions
    left join conversions
        on
            actions.account_id = conversions.account_id
            and actions.line_number = conversions.line_number
    where
        conversions.account_id is null
        and actions.cost_share is null
        and (
            actions.new_symbol = actions.symbol
            or actions.first_date < actions.effective_date
        )
),

ends as (
    -- What expires is open until the end of that date, the rest until the one before.
    select
        account_id,
        symbol,
        case
            when closing_price is not null
                then cast(effective_date + interval 1 day as date)
            else effective_date
        end as valid_to,
        effective_date,
        case when closing_price is null then new_symbol end as next_symbol,
        new_shares,
        old_shares,
        closing_price
    from renamings
    union all
    select
        account_id,
        new_symbol as symbol,
        effective_date as valid_to,
        effective_date,
        null as next_symbol,
        cast(1 as decimal(18, 0)) as new_shares,
        cast(1 as decimal(18, 0)) as old_shares,
        null as closing_price
    from renamings
    where new_symbol <> symbol
),

ends_ranked as (
    select
        *,
        row_number() over (
            partition by account_id, symbol, valid_to
            order by next_symbol nulls last, closing_price nulls last
        ) as end_rank,
        -- Of two that become one share on one date, the first continues.
        row_number() over (
            partition by account_id, next_symbol, effective_date order by symbol
        ) as predecessor_rank
    from ends
),

final as (
    select
        account_id,
        symbol,
        coalesce(
            lag(valid_to) over (partition by account_id, symbol order by valid_to),
            {{ min_date() }}
        ) as valid_from,
        valid_to,
        effective_date,
        case when predecessor_rank = 1 then next_symbol end as next_symbol,
        new_shares,
        old_shares,
        closing_price
    from ends_ranked
    where end_rank = 1
    union all
    select
        account_id,
        symbol,
        max(valid_to) as valid_from,
        {{ max_date() }} as valid_to,
        null as effective_date,
        null as next_symbol,
        cast(1 as decimal(18, 0)) as new_shares,
        cast(1 as decimal(18, 0)) as old_shares,
        null as closing_price
    from ends_ranked
    group by account_id, symbol
)

select * from final
