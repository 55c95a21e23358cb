{#
    Grain: one row: account-days of masters that are not the sum of their subs, to the
    cent. A day that either lacks is a difference as well: missing is not zero.
#}
with

days as (
    select
        account_id,
        trade_date,
        account_role,
        gross_pnl,
        total_fees,
        net_pnl,
        adjustments_amount
    from {{ ref('daily_totals') }}
),

account_roles as (
    select
        account_id,
        account_role,
        parent_account_id,
        valid_from,
        valid_to
    from {{ ref('int_account_roles') }}
),

sub_days as (
    select
        masters.account_id,
        days.trade_date,
        count(*) as subs_count,
        {{ sum_if_known('days.gross_pnl') }} as gross_pnl,
        {{ sum_if_known('days.total_fees') }} as total_fees,
        {{ sum_if_known('days.net_pnl') }} as net_pnl,
        {{ sum_if_known('days.adjustments_amount') }} as adjustments_amount
    from days
    inner join account_roles as subs
        on
            days.account_id = subs.account_id
            and days.trade_date >= subs.valid_from
            and days.trade_date < subs.valid_to
    inner join account_roles as masters
        on
            subs.parent_account_id = masters.account_id
            and masters.account_role = 'master'
            and days.trade_date >= masters.valid_from
            and days.trade_date < masters.valid_to
    group by masters.account_id, days.trade_date
),

master_days as (
    select * from days
    where account_role = 'master'
),

compared as (
    select
        coalesce(master_days.account_id, sub_days.account_id) as account_id,
        coalesce(master_days.trade_date, sub_days.trade_date) as trade_date,
        master_days.account_id is null as lacks_master,
        coalesce(sub_days.subs_count, 0) as subs_count,
        -- What is unknown (no exchange rate, no adjustments listed) is not compared.
        greatest(
            {% for column in ['gross_pnl', 'total_fees', 'net_pnl', 'adjustments_amount'] -%}
                coalesce(
                    abs(
                        case
                            when master_days.account_id is null then 0
                            else master_days.{{ column }}
                        end
                        - case
                            when sub_days.account_id is null then 0
                            else sub_days.{{ column }}
                        end
                    ),
                    0
                ){{ ',' if not loop.last }}
            {% endfor -%}
        ) as difference_amount
    from master_days
    full outer join sub_days
        on
            master_days.account_id = sub_days.account_id
            and master_days.trade_date = sub_days.trade_date
),

differing as (
    select
        account_id || ' of ' || trade_date || ' by '
        || cast(difference_amount as decimal(38, 2)) || ' dollars from '
        || case when subs_count = 0 then 'no sub' else 'its ' || subs_count end
        || case when lacks_master then ', and has no figures' else '' end as said,
        row_number() over (
            order by difference_amount desc, account_id asc, trade_date asc
        ) as shown_order
    from compared
    where difference_amount >= 0.005
),

final as (
    select
        'masters_differ' as check_name,
        count(*) as found_count,
        'account-days of masters are not the sum of their subs: '
        || {{ first_few_joined('said', '; ') }} as finding
    from differing
)

select * from final
