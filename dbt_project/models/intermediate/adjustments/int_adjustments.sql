{#
    Grain: one row per adjustment of the current version of each account's day.
    Its class is that of the longest beginning of its category that is known; without one
    it is unknown, and counts nowhere until the desk has said what it is.
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
        account_id
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
        adjustments.adjustment_amount
    from adjustments
    inner join accounts on adjustments.account_number = accounts.account_number
    inner join account_traders
        on
            accounts.account_id = account_traders.account_id
            and adjustments.trade_date >= account_traders.valid_from
            and adjustments.trade_date < account_traders.valid_to
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
        ---------- money
        adjustment_amount,
        ---------- flags
        adjustment_class not in ('unknown', 'payout', 'transfer') as is_pnl
    from adjustments_classed
)

select * from final
