{# Grain: one row: accounts that traded lately and are not on the broker's list any more. #}
with

accounts_off as (
    select
        account_id,
        last_traded_date,
        row_number() over (order by last_traded_date desc, account_id asc) as shown_order
    from {{ ref('int_accounts_off_the_list') }}
),

final as (
    select
        'accounts_off_the_list' as check_name,
        count(*) as found_count,
        'accounts that traded lately are no longer on the list, and whether they still '
        || 'trade is unknown: '
        || {{ first_few_joined(
            "account_id || ' (last fill ' || cast(last_traded_date as string) || ')'"
        ) }} as finding
    from accounts_off
)

select * from final
