{#
    Grain: one row: lines of corporate_actions.csv that meet no position, and shares that
    were kept apart because the new symbol was held already.
    1:1 says that there was no split, and asks for no position.
#}
with

actions as (
    select
        line_number,
        symbol,
        effective_date,
        new_shares,
        old_shares,
        new_symbol,
        closing_price
    from {{ ref('int_corporate_actions') }}
),

books as (
    select
        account_id,
        symbol,
        book_symbol,
        valid_from,
        valid_to
    from {{ ref('int_symbol_books') }}
),

lots as (
    select
        account_id,
        book_symbol,
        opened_date,
        closed_date
    from {{ ref('int_overnight_lot_matches') }}
),

met_actions as (
    select distinct actions.line_number
    from actions
    inner join books
        on
            actions.symbol = books.symbol
            and actions.effective_date > books.valid_from
            and actions.effective_date
            between books.valid_to - interval 1 day and books.valid_to
    inner join lots
        on
            books.account_id = lots.account_id
            and books.book_symbol = lots.book_symbol
            and actions.effective_date >= lots.opened_date
            and coalesce(lots.closed_date, {{ max_date() }}) >= actions.effective_date
    where actions.closing_price is not null or lots.opened_date < actions.effective_date
),

open_books as (
    select distinct
        books.account_id,
        books.symbol,
        books.book_symbol
    from books
    inner join lots
        on
            books.account_id = lots.account_id
            and books.book_symbol = lots.book_symbol
    where lots.closed_date is null and books.book_symbol like '%@%'
),

problems as (
    select
        'line ' || actions.line_number || ', ' || actions.symbol || ' of '
        || actions.effective_date || ': no account held it then' as problem_text,
        actions.line_number as problem_order
    from actions
    left join met_actions on actions.line_number = met_actions.line_number
    where
        met_actions.line_number is null
        and (
            actions.new_shares <> actions.old_shares
            or actions.new_symbol <> actions.symbol
            or actions.closing_price is not null
        )
    union all
    select
        account_id || ' held ' || symbol || ' already when another symbol became it: kept'
        || ' apart as ' || book_symbol || ', so let the broker post the rows and delete'
        || ' the line' as problem_text,
        1000000 as problem_order
    from open_books
),

problems_numbered as (
    select
        problem_text,
        row_number() over (order by problem_order, problem_text) as shown_order
    from problems
),

final as (
    select
        'unused_corporate_actions' as check_name,
        count(*) as found_count,
        'lines of corporate_actions.csv do not meet what was held: '
        || {{ first_few_joined('problem_text', '; ') }} as finding
    from problems_numbered
)

select * from final
