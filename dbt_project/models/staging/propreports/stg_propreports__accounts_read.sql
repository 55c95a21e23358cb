{# Grain: one row per account number: the last date to which all of it has been read. #}
with

source as (
    select * from {{ source('propreports', 'accounts_read') }}
),

final as (
    select
        account_number,
        last_date as last_read_date
    from source
)

select * from final
