{#
    Grain: one row: counted fills without a currency that are taken for another one than the
    base currency, by their symbol or their account.
#}
with

account_days as (
    select
        account_id,
        assumed_currency_fills_count
    from {{ ref('int_account_day_fills') }}
    where assumed_currency_fills_count > 0
),

accounts as (
    select
        account_id,
        sum(assumed_currency_fills_count) as fills_count
    from account_days
    group by account_id
),

accounts_ordered as (
    select
        *,
        row_number() over (order by fills_count desc, account_id asc) as shown_order
    from accounts
),

final as (
    select
        'assumed_currency' as check_name,
        coalesce(sum(fills_count), 0) as found_count,
        'fills name no currency and are taken for that of their symbol or account, as '
        || 'marts.fct_fills has it: '
        || {{ first_few_joined("account_id || ' ' || fills_count", '; ') }} as finding
    from accounts_ordered
)

select * from final
