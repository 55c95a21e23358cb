{#
    Grain: one row per adjustment of the current version of each account's day.
    Its class is that of the longest beginning of its category that is known; without one
    it is unknown, and is excluded until the desk has given its class.
    Amounts are of the account's currency; adjustment_amount is that at the exchange rate of
    the date, null without one.
#}
with

adjustments as (
    {{ current_rows(ref('stg_propreports__adjustments'), 'adjustments') }}
),

adjustment_categories as (
    select
        category_prefix,
        adjustment_class
    from {{ ref('stg_desk__adjustment_categories') }}
),

accounts as (
    select
        account_number,
        account_id,
        coalesce(currency, '{{ var("base_currency") }}') as currency
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

categories as (
    select distinct category from adjustments
),

categories_ranked as (
    select
        categories.category,
        adjustment_categories.adjustment_class,
        row_number() over (
            partition by categories.category
            order by length(adjustment_categories.category_prefix) desc
        ) as match_rank
    from categories
    inner join adjustment_categories
        on
            left(
                lower(trim(categories.category)),
                length(adjustment_categories.category_prefix)
            ) = adjustment_categories.category_prefix
),

adjustments_classed as (
    select
        accounts.account_id,
        account_traders.trader_id,
        adjustments.trade_date,
        adjustments.row_number as adjustment_number,
        adjustments.category,
        coalesce(categories_ranked.adjustment_class, 'unknown') as adjustment_class,
        accounts.currency,
        adjustments.adjustment_amount as local_amount,
        {{ rate_of('accounts.currency', 'rates') }} as exchange_rate
    from adjustments
    inner join accounts on adjustments.account_number = accounts.account_number
    inner join account_traders
        on
            accounts.account_id = account_traders.account_id
            and adjustments.trade_date >= account_traders.valid_from
            and adjustments.trade_date < account_traders.valid_to
    {{ join_rates('rates', 'accounts.currency', 'adjustments.trade_date') }}
    left join categories_ranked
        on
            adjustments.category = categories_ranked.category
            and categories_ranked.match_rank = 1
),

final as (
    select
        ---------- keys
        account_id,
        trader_id,
        trade_date,
        adjustment_number,
        ---------- text
        category,
        adjustment_class,
        currency,
        ---------- money
        local_amount,
        cast({{ in_base('local_amount', 'exchange_rate') }} as decimal(18, 8))
            as adjustment_amount,
        ---------- flags
        adjustment_class not in ('unknown', 'payout', 'transfer') as is_pnl
    from adjustments_classed
)

select * from final
