{#
    Grain: one row per account and corporate action by which its lots are converted one by
    one, into rows of their own (int_converted_lots): a spin-off, a merger for shares and
    cash, and a new symbol that the account has had before, or that two symbols become.
    Any other action leaves lots as they are, in another unit (int_symbol_books).
#}
with

actions as (
    select * from {{ ref('int_account_actions') }}
    where
        new_symbol <> symbol
        and closing_price is null
        and effective_date > first_date
        and not is_between_currencies
),

had_symbols as (
    select
        account_id,
        symbol,
        first_date
    from {{ ref('int_action_symbols') }}
),

account_actions as (
    select
        *,
        row_number() over (
            partition by account_id, new_symbol, effective_date order by symbol
        ) as predecessor_rank
    from actions
),

final as (
    select
        ---------- keys
        account_actions.account_id,
        account_actions.line_number,
        ---------- the line
        account_actions.symbol,
        account_actions.new_symbol,
        account_actions.action,
        account_actions.effective_date,
        account_actions.session_date,
        account_actions.new_shares,
        account_actions.old_shares,
        account_actions.cash_per_share,
        account_actions.cost_share
    from account_actions
    left join had_symbols
        on
            account_actions.account_id = had_symbols.account_id
            and account_actions.new_symbol = had_symbols.symbol
            and account_actions.effective_date > had_symbols.first_date
    where
        account_actions.cost_share is not null
        or account_actions.predecessor_rank > 1
        or had_symbols.account_id is not null
)

select * from final
