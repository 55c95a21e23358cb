{#
    Grain: one row per fill that the broker posted for a corporate action of the desk's
    lines: the action converts the lots, so the fill moves nothing again.
    Within so many days of the effective date no regular fill, but
    - free shares, or shares taken away, at price 0: of all that was posted, what the split
      makes of the shares held before, but for less than one;
    - shares of a spin-off, at any price: as many as the shares held before are given;
    - out and in, of all that was posted, at the ratio but for less than a share;
    - what was closed at the price of the expiry or merger, after its date.
#}
{% set days = var('corporate_action_posting_days') %}

with

actions as (
    select
        line_number,
        symbol,
        effective_date,
        action,
        new_symbol,
        new_shares,
        old_shares,
        closing_price
    from {{ ref('int_corporate_actions') }}
),

uncounted_actions as (
    -- An action that moves nothing leaves it to the broker's rows.
    select
        account_id,
        line_number
    from {{ ref('int_account_actions') }}
    where is_between_currencies
    union
    select
        account_id,
        line_number
    from {{ ref('int_conversion_books') }}
    where round_number > {{ var('corporate_action_rounds') }}
),

document_days as (
    select
        account_id,
        trade_date,
        calendar_date,
        account_number,
        content_hash
    from {{ ref('int_document_days') }}
),

fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        row_number,
        symbol,
        is_buy,
        quantity,
        price
    from {{ ref('int_fills_dated') }}
    where not is_regular and not is_cancelled
),

spin_offs as (
    select
        account_id,
        symbol,
        effective_date
    from {{ ref('int_conversions') }}
    where action = 'spin_off'
),

books as (
    select
        account_id,
        symbol,
        valid_from,
        valid_to,
        book_symbol,
        units_per_share
    from {{ ref('int_symbol_books') }}
),

book_fills as (
    select
        account_number,
        trade_date,
        calendar_date,
        content_hash,
        row_number,
        symbol,
        case when is_buy then quantity else -quantity end as signed_quantity
    from {{ ref('int_fills_dated') }}
    where
        not is_cancelled
        and symbol in (
            select books.symbol from books
            union all
            select spin_offs.symbol from spin_offs
        )
),

opening_lots as (
    select
        account_id,
        trade_date,
        symbol,
        signed_quantity
    from {{ ref('int_opening_lots') }}
),

posted as (
    select
        document_days.account_id,
        fills.*,
        actions.symbol as old_symbol,
        actions.new_symbol,
        actions.effective_date,
        actions.new_shares,
        actions.old_shares,
        actions.closing_price,
        actions.action = 'split' and fills.price = 0 as is_free,
        actions.action = 'spin_off' and fills.symbol = actions.new_symbol as is_spun_off
    from actions
    inner join fills
        on
            fills.symbol in (actions.symbol, actions.new_symbol)
            and fills.trade_date
            between actions.effective_date - interval {{ days }} day
            and actions.effective_date + interval {{ days }} day
    inner join document_days
        on
            fills.account_number = document_days.account_number
            and fills.calendar_date = document_days.calendar_date
            and fills.trade_date = document_days.trade_date
            and fills.content_hash = document_days.content_hash
    left join uncounted_actions
        on
            document_days.account_id = uncounted_actions.account_id
            and actions.line_number = uncounted_actions.line_number
    where uncounted_actions.line_number is null
),

sides as (
    -- A long goes out by a sale of the old and comes in by a purchase of the new.
    select
        *,
        case when symbol = old_symbol and not is_buy and not is_free then quantity else 0 end
            as sold_old,
        case when symbol = new_symbol and is_buy and not is_free then quantity else 0 end
            as bought_new,
        case when symbol = old_symbol and is_buy and not is_free then quantity else 0 end
            as bought_old,
        case when symbol = new_symbol and not is_buy and not is_free then quantity else 0 end
            as sold_new
    from posted
),

sides_summed as (
    -- Both on one date, or out on one and in on another.
    select
        *,
        sum(sold_old) over that_day as sold_old_that_day,
        sum(sold_old) over in_all as sold_old_in_all,
        sum(bought_new) over that_day as bought_new_that_day,
        sum(bought_new) over in_all as bought_new_in_all,
        sum(bought_old) over that_day as bought_old_that_day,
        sum(bought_old) over in_all as bought_old_in_all,
        sum(sold_new) over that_day as sold_new_that_day,
        sum(sold_new) over in_all as sold_new_in_all
    from sides
    where closing_price is null and not is_free
    window
        that_day as (
            partition by account_id, old_symbol, effective_date, trade_date
        ),
        in_all as (partition by account_id, old_symbol, effective_date)
),

pairs as (
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from sides_summed
    where
        (
            sold_old_that_day > 0
            and bought_new_that_day > 0
            and abs(bought_new_that_day * old_shares - sold_old_that_day * new_shares) < old_shares
        )
        or (
            bought_old_that_day > 0
            and sold_new_that_day > 0
            and abs(sold_new_that_day * old_shares - bought_old_that_day * new_shares) < old_shares
        )
        or (
            sold_old_in_all > 0
            and bought_new_in_all > 0
            and abs(bought_new_in_all * old_shares - sold_old_in_all * new_shares) < old_shares
        )
        or (
            bought_old_in_all > 0
            and sold_new_in_all > 0
            and abs(sold_new_in_all * old_shares - bought_old_in_all * new_shares) < old_shares
        )
),

unmoving_rows as (
    -- What is free near a split may be its posting, or that of an earlier one.
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from posted
    where is_free
    union
    select * from pairs
),

moves as (
    -- What was posted for an action moved nothing; what else came without a price did.
    select
        document_days.account_id,
        book_fills.symbol,
        book_fills.trade_date,
        book_fills.signed_quantity
    from book_fills
    inner join document_days
        on
            book_fills.account_number = document_days.account_number
            and book_fills.calendar_date = document_days.calendar_date
            and book_fills.trade_date = document_days.trade_date
            and book_fills.content_hash = document_days.content_hash
    left join unmoving_rows
        on
            book_fills.account_number = unmoving_rows.account_number
            and book_fills.calendar_date = unmoving_rows.calendar_date
            and book_fills.content_hash = unmoving_rows.content_hash
            and book_fills.row_number = unmoving_rows.row_number
    where unmoving_rows.row_number is null
    union all
    select
        account_id,
        symbol,
        trade_date,
        signed_quantity
    from opening_lots
),

moves_in_books as (
    select
        moves.account_id,
        coalesce(books.book_symbol, moves.symbol) as book_symbol,
        moves.trade_date,
        moves.signed_quantity * coalesce(books.units_per_share, 1) as signed_units
    from moves
    left join books
        on
            moves.account_id = books.account_id
            and moves.symbol = books.symbol
            and moves.trade_date >= books.valid_from
            and moves.trade_date < books.valid_to
),

held as (
    -- A split ends a span of its book, a spin-off lies within one.
    select
        ending.account_id,
        ending.symbol,
        ending.valid_to as effective_date,
        sum(moves_in_books.signed_units) / max(ending.units_per_share) as held_quantity
    from books as ending
    inner join moves_in_books
        on
            ending.account_id = moves_in_books.account_id
            and ending.book_symbol = moves_in_books.book_symbol
            and ending.valid_to > moves_in_books.trade_date
    group by ending.account_id, ending.symbol, ending.valid_to
    union all
    select
        spin_offs.account_id,
        spin_offs.symbol,
        spin_offs.effective_date,
        sum(moves_in_books.signed_units) / coalesce(max(books.units_per_share), 1)
            as held_quantity
    from spin_offs
    left join books
        on
            spin_offs.account_id = books.account_id
            and spin_offs.symbol = books.symbol
            and spin_offs.effective_date >= books.valid_from
            and spin_offs.effective_date < books.valid_to
    inner join moves_in_books
        on
            spin_offs.account_id = moves_in_books.account_id
            and coalesce(books.book_symbol, spin_offs.symbol) = moves_in_books.book_symbol
            and spin_offs.effective_date > moves_in_books.trade_date
    group by spin_offs.account_id, spin_offs.symbol, spin_offs.effective_date
),

free_shares as (
    select
        sides.*,
        held.held_quantity * case
            when sides.is_spun_off then sides.new_shares
            else sides.new_shares - sides.old_shares
        end as given_shares,
        case when sides.is_buy then sides.quantity else -sides.quantity end
            as signed_quantity
    from sides
    inner join held
        on
            sides.account_id = held.account_id
            and sides.old_symbol = held.symbol
            and sides.effective_date = held.effective_date
    where sides.is_free or sides.is_spun_off
),

free_shares_summed as (
    -- In one row, in all of a date, or in all.
    select
        *,
        signed_quantity * old_shares as in_row,
        sum(signed_quantity * old_shares) over (
            partition by account_id, old_symbol, effective_date, trade_date
        ) as that_day,
        sum(signed_quantity * old_shares) over (
            partition by account_id, old_symbol, effective_date
        ) as in_all
    from free_shares
),

final as (
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from sides
    where symbol = old_symbol and price = closing_price and trade_date > effective_date
    union
    select
        account_number,
        calendar_date,
        content_hash,
        row_number
    from free_shares_summed
    where
        abs(in_row - given_shares) < old_shares
        or abs(that_day - given_shares) < old_shares
        or abs(in_all - given_shares) < old_shares
    union
    select * from pairs
)

select * from final
