{{ config(materialized='incremental', incremental_strategy='append') }}
{#
    Grain: one row per account number, trade date and version of its fills that has any.
    A version never changes, so only what is new is added up.
#}
with

day_versions as (
    select
        account_number,
        trade_date,
        content_hash
    from {{ ref('stg_propreports__day_versions') }}
    where resource = 'fills'
),

new_versions as (
    -- A day that went back to what it was before has one version twice.
    select
        account_number,
        trade_date,
        content_hash
    from day_versions
    {% if is_incremental() -%}
        except
        select
            account_number,
            trade_date,
            content_hash
        from {{ this }}
    {%- else -%}
        group by account_number, trade_date, content_hash
    {%- endif %}
),

fills as (
    select
        account_number,
        trade_date,
        content_hash,
        is_buy,
        is_regular,
        is_cancelled,
        quantity,
        price,
        total_fees
    from {{ ref('stg_propreports__fills') }}
),

final as (
    select
        ---------- keys
        fills.account_number,
        fills.trade_date,
        fills.content_hash,
        ---------- numbers
        sum(case when fills.is_regular then 1 else 0 end) as fills_count,
        sum(case when fills.is_cancelled then 1 else 0 end) as cancelled_fills_count,
        sum(case when fills.is_regular then fills.quantity else 0 end) as quantity,
        ---------- money
        sum(case when fills.is_cancelled then 0 else fills.total_fees end) as total_fees,
        -- Not a P&L: it moves when a price, a side or a quantity does.
        sum(
            case when fills.is_cancelled then 0 when fills.is_buy then -1 else 1 end
            * {{ exact_product('fills.quantity', 'fills.price', '1') }}
        ) as traded_cash_amount
    from fills
    inner join new_versions
        on
            fills.account_number = new_versions.account_number
            and fills.trade_date = new_versions.trade_date
            and fills.content_hash = new_versions.content_hash
    group by fills.account_number, fills.trade_date, fills.content_hash
)

select * from final
