{#
    Grain: one row per account and corporate action of a symbol that it has had.
    An action between two currencies is excluded: the rate at which its cost was converted
    is not known.
#}
with

actions as (
    select * from {{ ref('int_corporate_actions') }}
),

had_symbols as (
    select
        account_id,
        symbol,
        first_date,
        currency
    from {{ ref('int_action_symbols') }}
),

final as (
    select
        ---------- keys
        had_symbols.account_id,
        actions.line_number,
        ---------- the line
        actions.symbol,
        actions.effective_date,
        actions.session_date,
        actions.action,
        actions.new_symbol,
        actions.new_shares,
        actions.old_shares,
        actions.closing_price,
        actions.cash_per_share,
        actions.cost_share,
        ---------- in the account
        had_symbols.first_date,
        had_symbols.currency,
        new_symbols.currency as new_currency,
        actions.closing_price is null and had_symbols.currency <> new_symbols.currency
            as is_between_currencies
    from actions
    inner join had_symbols on actions.symbol = had_symbols.symbol
    left join had_symbols as new_symbols
        on
            had_symbols.account_id = new_symbols.account_id
            and actions.new_symbol = new_symbols.symbol
)

select * from final
