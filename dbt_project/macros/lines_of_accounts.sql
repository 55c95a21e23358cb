{#
    What is said of accounts from a date on: an account's own lines, and until the first of
    them those of the account that it was parted from.

    accounts, lines: account_id, and parted_from_account_id or valid_from.
    columns: what the lines say.
#}
{% macro lines_of_accounts(accounts, lines, columns) -%}
    select
        accounts.account_id,
        lines.{{ columns | join(', lines.') }},
        lines.valid_from
    from {{ accounts }} as accounts
    inner join {{ lines }} as lines on accounts.account_id = lines.account_id
    union all
    select
        accounts.account_id,
        lines.{{ columns | join(', lines.') }},
        lines.valid_from
    from {{ accounts }} as accounts
    inner join {{ lines }} as lines
        on accounts.parted_from_account_id = lines.account_id
    left join (
        select
            account_id,
            min(valid_from) as valid_from
        from {{ lines }}
        group by account_id
    ) as first_lines
        on accounts.account_id = first_lines.account_id
    where
        first_lines.account_id is null
        or lines.valid_from < first_lines.valid_from
{%- endmacro %}
