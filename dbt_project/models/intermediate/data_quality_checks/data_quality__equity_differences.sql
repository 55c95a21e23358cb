{# Grain: one row: accounts whose equity differs from the broker's on the last day it shows. #}
with

equity as (
    select
        account_id,
        trade_date,
        difference_class,
        difference_amount
    from {{ ref('fct_account_equity') }}
    where difference_class not in ('no_summary', 'not_comparable')
),

days_ranked as (
    select
        *,
        row_number() over (partition by account_id order by trade_date desc) as recency
    from equity
),

differing_accounts as (
    select
        account_id || ' of ' || trade_date || ', ' || replace(difference_class, '_', ' ')
        || ', $' || cast(difference_amount as decimal(38, 2)) as account_text,
        row_number() over (
            order by abs(difference_amount) desc, account_id asc
        ) as shown_order
    from days_ranked
    where recency = 1 and difference_class <> 'agrees'
),

final as (
    select
        'equity_differences' as check_name,
        count(*) as found_count,
        'accounts have another cash, unrealized or end balance than the broker''s summary '
        || 'shows last: ' || {{ first_few_joined('account_text', '; ') }} as finding
    from differing_accounts
)

select * from final
