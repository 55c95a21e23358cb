{#
    Grain: one row per lot that a corporate action takes out of a symbol or puts into one
    (int_conversions), as a journal entry of the first session from its date on: a version of
    that day, like any other, before its first fill.
    Each lot of the old symbol goes out at its price, and realizes nothing. Of what it cost
    cost_share (else all) goes over to the new shares; a spin-off leaves the rest on the old
    ones, and of a merger the rest is what the cash is realized against. What was held of
    the new symbol goes out and in at its price, so that all lots of it are in the order in
    which they were opened at first.
    Lots are what first in, first out leaves open by then: the last units of the side that
    has more. A conversion sees what earlier rounds put in.
#}
{% set rounds = var('corporate_action_rounds') | int(1) %}

with

conversions as (
    select * from {{ ref('int_conversion_books') }}
),

steps as (
    -- Out of the old symbol and, of a spin-off, back; out of the new one, and into it.
    select
        1 as step_number,
        true as is_of_old,
        true as is_out
    union all
    select
        2 as step_number,
        true as is_of_old,
        false as is_out
    union all
    select
        3 as step_number,
        false as is_of_old,
        true as is_out
    union all
    select
        4 as step_number,
        false as is_of_old,
        false as is_out
),

lots_0 as (
    select
        account_id,
        book_symbol,
        fill_sequence,
        account_number,
        currency,
        units_per_share,
        price,
        units,
        is_buy,
        opened_date,
        fill_sequence as opened_sequence
    from {{ ref('int_convertible_lots') }}
),

{% for round in range(1, rounds + 1) %}
    sides_{{ round }} as (
        select
            account_id,
            line_number,
            session_date,
            true as is_old,
            book_symbol,
            units_per_share as date_units
        from conversions
        where round_number = {{ round }}
        union all
        select
            account_id,
            line_number,
            session_date,
            false as is_old,
            new_book_symbol as book_symbol,
            new_units_per_share as date_units
        from conversions
        where round_number = {{ round }}
    ),

    lots_before_{{ round }} as (
        select
            lots.*,
            sides.line_number,
            sides.is_old,
            sides.date_units,
            sum(lots.units) over (
                partition by
                    sides.account_id, sides.line_number, sides.is_old, lots.is_buy
                order by lots.fill_sequence
                rows between unbounded preceding and current row
            ) as units_end,
            sum(case when lots.is_buy then lots.units else 0 end) over (
                partition by sides.account_id, sides.line_number, sides.is_old
            ) as bought_units,
            sum(case when lots.is_buy then 0 else lots.units end) over (
                partition by sides.account_id, sides.line_number, sides.is_old
            ) as sold_units
        from sides_{{ round }} as sides
        inner join lots_{{ round - 1 }} as lots
            on
                sides.account_id = lots.account_id
                and sides.book_symbol = lots.book_symbol
                and {{ date_prefixed_sequence('sides.session_date', 1000000) }}
                > lots.fill_sequence
    ),

    units_open_{{ round }} as (
        select
            *,
            least(units, greatest(units_end - least(bought_units, sold_units), 0))
                as open_units,
            max(
                case when is_old and units_end > least(bought_units, sold_units) then 1 else 0 end
            ) over (partition by account_id, line_number) as has_old_lots
        from lots_before_{{ round }}
    ),

    lots_open_{{ round }} as (
        -- In the shares of the date.
        select
            account_id,
            line_number,
            account_number,
            is_old,
            currency,
            is_buy,
            opened_date,
            opened_sequence,
            case when is_buy then 1 else -1 end
            * cast({{ in_shares('open_units', 'date_units') }} as decimal(18, 8))
                as signed_quantity,
            case
                when date_units = units_per_share then price
                else cast(
                    round(cast(price as double) * date_units / units_per_share, 8)
                    as decimal(18, 8)
                )
            end as price
        from units_open_{{ round }}
        where open_units > 0 and has_old_lots = 1
    ),

    converted_{{ round }} as (
        select
            lots.account_id,
            lots.line_number,
            lots.account_number,
            conversions.session_date as trade_date,
            steps.step_number,
            lots.is_old,
            lots.opened_date,
            lots.opened_sequence,
            lots.currency,
            case when steps.is_of_old then conversions.symbol else conversions.new_symbol end
                as symbol,
            case
                when steps.is_of_old then conversions.book_symbol
                else conversions.new_book_symbol
            end as book_symbol,
            case
                when steps.is_of_old then conversions.units_per_share
                else conversions.new_units_per_share
            end as units_per_share,
            case
                when steps.is_out then -lots.signed_quantity
                when steps.is_of_old or not lots.is_old then lots.signed_quantity
                else cast({{ in_shares(
                    'lots.signed_quantity * conversions.new_shares',
                    'conversions.old_shares',
                ) }} as decimal(18, 8))
            end as signed_quantity,
            case
                when not lots.is_old then lots.price
                when steps.is_out and conversions.cash_per_share is null then lots.price
                else cast(
                    round(
                        case
                            when steps.is_out
                                then
                                    cast(lots.price as double) * conversions.cost_share
                                    + conversions.cash_per_share
                            when steps.is_of_old
                                then cast(lots.price as double) * (1 - conversions.cost_share)
                            else
                                cast(lots.price as double)
                                * coalesce(conversions.cost_share, 1)
                                * conversions.old_shares / conversions.new_shares
                        end,
                        8
                    ) as decimal(18, 8)
                )
            end as price
        from lots_open_{{ round }} as lots
        inner join conversions
            on
                lots.account_id = conversions.account_id
                and lots.line_number = conversions.line_number
        inner join steps
            on
                (lots.is_old = steps.is_of_old or steps.step_number = 4)
                and (steps.step_number <> 2 or conversions.action = 'spin_off')
    ),

    numbered_{{ round }} as (
        -- What goes out comes before what goes in, and lots in the order of old.
        select
            *,
            {{ (round - 1) * 100000 }} + row_number() over (
                partition by account_id, trade_date
                order by line_number, step_number, opened_date, opened_sequence, is_old
            ) as row_number
        from converted_{{ round }}
        where signed_quantity <> 0
    ),

    lots_{{ round }} as (
        select * from lots_{{ round - 1 }}
        union all
        select
            account_id,
            book_symbol,
            {{ date_prefixed_sequence('trade_date', 'row_number') }} as fill_sequence,
            account_number,
            currency,
            units_per_share,
            price,
            cast({{ in_units('abs(signed_quantity)', 'units_per_share') }} as decimal(38, 8))
                as units,
            signed_quantity > 0 as is_buy,
            opened_date,
            opened_sequence
        from numbered_{{ round }}
    ),
{% endfor %}

all_rounds as (
    {% for round in range(1, rounds + 1) -%}
        select * from numbered_{{ round }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

run_context as (
    select as_of_date from {{ ref('stg_propreports__run_context') }}
),

built_days as (
    select
        account_id,
        trade_date,
        calendar_date
    from {{ ref('stg_ops__built_fill_days') }}
),

rows_dated as (
    -- No document of the day after belongs to this date: so a version of its own.
    select
        *,
        cast(trade_date + interval 1 day as date) as calendar_date,
        max(account_number) over (partition by account_id, trade_date)
            as day_account_number
    from all_rounds
),

versions as (
    select
        account_id,
        trade_date,
        'converted ' || md5({{ joined_text(
            "concat_ws('|', cast(row_number as string), symbol, "
            ~ "cast(signed_quantity as string), cast(price as string), currency)",
            "','",
            'row_number',
        ) }}) as content_hash
    from rows_dated
    group by account_id, trade_date
),

final as (
    select
        ---------- keys
        rows_dated.account_id,
        rows_dated.day_account_number as account_number,
        rows_dated.trade_date,
        rows_dated.calendar_date,
        versions.content_hash,
        cast(rows_dated.row_number as bigint) as row_number,
        rows_dated.symbol,
        ---------- text
        rows_dated.currency,
        ---------- numbers
        cast(rows_dated.signed_quantity as decimal(18, 8)) as signed_quantity,
        rows_dated.price,
        ---------- where it comes from
        rows_dated.line_number,
        ---------- dates
        rows_dated.opened_date
    from rows_dated
    inner join versions
        on
            rows_dated.account_id = versions.account_id
            and rows_dated.trade_date = versions.trade_date
    inner join run_context on rows_dated.trade_date < run_context.as_of_date
    left join built_days
        on
            rows_dated.account_id = built_days.account_id
            and rows_dated.trade_date = built_days.trade_date
            and rows_dated.calendar_date = built_days.calendar_date
    where
        rows_dated.trade_date <= {{ last_built_date() }}
        or built_days.account_id is not null
)

select * from final
