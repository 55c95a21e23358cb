{# Grain: one row: lines of opening_lots.csv that no account can have, or that contradict. #}
with

lines as (
    select
        line_number,
        account_id,
        symbol,
        opened_date
    from {{ ref('stg_desk__opening_lots') }}
),

opening_lots as (
    select line_number from {{ ref('int_opening_lots') }}
    where line_number is not null
),

first_days as (
    select
        account_id,
        min(trade_date) as first_date
    from {{ ref('int_account_day_fills') }}
    where fills_count > 0
    group by account_id
),

unused_lines as (
    select
        'line ' || lines.line_number || ', ' || lines.symbol || ' of ' || lines.account_id
        || case
            when first_days.account_id is null
                then ', an account without any fill'
            else
                ', opened on ' || lines.opened_date || ', and the account''s fills begin on '
                || first_days.first_date
        end as line_text,
        row_number() over (order by lines.line_number) as shown_order
    from lines
    left join opening_lots on lines.line_number = opening_lots.line_number
    left join first_days on lines.account_id = first_days.account_id
    where opening_lots.line_number is null
),

final as (
    select
        'unused_opening_lots' as check_name,
        count(*) as found_count,
        'lines of opening_lots.csv are excluded: '
        || {{ first_few_joined('line_text', '; ') }} as finding
    from unused_lines
)

select * from final
