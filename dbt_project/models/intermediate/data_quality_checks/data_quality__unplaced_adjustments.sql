{# Grain: one row: adjustments of days that daily_totals does not have. #}
with

adjustments as (
    select
        account_number,
        trade_date,
        is_transfer
    from (
        {{ current_rows(ref('stg_propreports__adjustments'), 'adjustments') }}
    ) as current_adjustments
),

account_numbers as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

account_days as (
    select
        account_id,
        trade_date
    from {{ ref('daily_totals') }}
),

final as (
    select
        'unplaced_adjustments' as check_name,
        count(*) as found_count,
        'adjustments fall on days without fill or position, so no daily total has them'
            as finding
    from adjustments
    inner join account_numbers
        on adjustments.account_number = account_numbers.account_number
    left join account_days
        on
            account_numbers.account_id = account_days.account_id
            and adjustments.trade_date = account_days.trade_date
    where not adjustments.is_transfer and account_days.account_id is null
)

select * from final
