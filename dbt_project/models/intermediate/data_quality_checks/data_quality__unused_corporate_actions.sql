{#
    Grain: one row: lines of corporate_actions.csv that meet no position, those between two
    currencies, and those that come after so many of the same lots that they are not worked
    out.
    1:1 says that there was no split, and asks for no position.
#}
with

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

actions as (
    select
        corporate_actions.line_number,
        corporate_actions.symbol,
        corporate_actions.effective_date,
        corporate_actions.new_shares,
        corporate_actions.old_shares,
        corporate_actions.new_symbol,
        corporate_actions.closing_price
    from {{ ref('int_corporate_actions') }} as corporate_actions
    inner join run_context on corporate_actions.session_date < run_context.as_of_date
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

between_currencies as (
    select distinct
        line_number,
        symbol,
        effective_date,
        new_symbol,
        currency,
        new_currency
    from {{ ref('int_account_actions') }}
    where is_between_currencies and effective_date > first_date
),

not_worked_out as (
    select distinct
        line_number,
        symbol,
        effective_date
    from {{ ref('int_conversion_books') }}
    where round_number > {{ var('corporate_action_rounds') }}
),

met_actions as (
    select line_number from {{ ref('int_converted_lots') }}
    union
    select line_number from not_worked_out
    union
    select line_number from between_currencies
    union
    select actions.line_number
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
        'line ' || line_number || ', ' || symbol || ' of ' || effective_date
        || ': more than {{ var("corporate_action_rounds") }} actions convert these lots, so let'
        || ' the broker post the rows and delete the line' as problem_text,
        line_number as problem_order
    from not_worked_out
    union all
    select
        'line ' || line_number || ', ' || symbol || ' of ' || effective_date || ': it is in '
        || currency || ' and ' || new_symbol || ' in ' || new_currency
        || ', so let the broker post the rows and delete the line' as problem_text,
        line_number as problem_order
    from between_currencies
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
