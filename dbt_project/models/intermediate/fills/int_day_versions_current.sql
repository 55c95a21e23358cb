{#
    Grain: one row per resource, account and trade date: the version known last, under
    the number that PropReports listed last if the account had several.
    Nothing of the AS_OF date or later gets past this model, so nothing downstream
    can see it. Days whose rows all vanished have no row.
#}
with

day_versions as (
    select
        resource,
        account_number,
        trade_date,
        content_hash,
        rows_count,
        known_at
    from {{ ref('stg_propreports__day_versions') }}
),

accounts as (
    select
        account_number,
        account_id,
        last_listed_at
    from {{ ref('int_accounts') }}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

versions_ranked as (
    select
        day_versions.*,
        row_number() over (
            partition by
                day_versions.resource, accounts.account_id, day_versions.trade_date
            order by
                accounts.last_listed_at desc nulls last,
                day_versions.known_at desc,
                day_versions.content_hash asc
        ) as recency
    from day_versions
    inner join accounts on day_versions.account_number = accounts.account_number
    inner join run_context on day_versions.trade_date < run_context.as_of_date
),

final as (
    select
        resource,
        account_number,
        trade_date,
        content_hash,
        rows_count,
        known_at
    from versions_ranked
    where recency = 1 and rows_count > 0
)

select * from final
