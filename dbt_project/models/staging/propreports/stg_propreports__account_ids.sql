{#
    Grain: one row per account number and id that it was given.
    One that was parted from another account, which it had been taken for, has several:
    the one given last counts.
#}
with

source as (
    select * from {{ source('propreports', 'account_ids') }}
),

final as (
    select
        account_number,
        account_id,
        parted_from as parted_from_account_id,
        given_at
    from source
)

select * from final
