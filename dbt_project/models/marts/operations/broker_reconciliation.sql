{#
    Grain: one row per account and date that either our fills or the broker's daily
    summary knows.
    The summary shows cents, and prices are known to the last decimal that the account's
    own have, so a gross may differ by a cent for each row of the summary and by half a
    unit of that decimal per unit traded; fees by three cents, whatever was traded. A
    surplus is what the broker has more than we do; a day that one side lacks counts as 0
    there. The summary is of the account's currency: its figures, and what they may differ
    by, are shown in the base currency, and what has no exchange rate is not comparable.
    A break is open until it agrees, or is signed off to the cent.
#}
{% set quantity_rounding = var('displayed_rounding') ~ ' * type_rows_count' %}

with

daily_totals as (
    select
        account_id,
        trade_date,
        orders_count,
        fills_count,
        quantity,
        gross_pnl,
        total_fees,
        net_pnl
    from {{ ref('daily_totals') }}
    where
        fills_count > 0
        or gross_pnl <> 0
        or total_fees <> 0
        or gross_pnl is null
        or total_fees is null
),

broker_rows as (
    {{ current_rows(ref('stg_propreports__broker_days'), 'broker_days') }}
),

accounts as (
    select
        account_number,
        account_id,
        coalesce(currency, '{{ var("base_currency") }}') as currency
    from {{ ref('int_accounts') }}
),

fill_days as (
    select
        account_id,
        trade_date,
        traded_units,
        cancelled_fills_count as cancelled_count,
        cancelled_quantity,
        journal_fills_count as journal_count,
        journal_quantity,
        max(price_decimals) over (partition by account_id) as price_decimals
    from {{ ref('int_account_day_fills') }}
),

journal_days as (
    select
        account_id,
        trade_date,
        sum(realized_gross_pnl) as gross_pnl,
        sum(total_fees) as total_fees
    from {{ ref('int_fill_results') }}
    where not is_regular
    group by account_id, trade_date
),

sign_offs as (
    select
        account_id,
        trade_date,
        amount,
        signed_off_by,
        note
    from {{ ref('stg_desk__signed_off_breaks') }}
    where symbol is null
),

past_sessions as (
    select sessions.session_date
    from {{ ref('stg_propreports__sessions') }} as sessions
    inner join {{ ref('stg_propreports__run_context') }} as run_context
        on sessions.session_date < run_context.as_of_date
),

closed_lots as (
    select
        account_id,
        opened_date,
        closed_date
    from {{ ref('int_overnight_lot_matches') }}
    where closed_date is not null
),

time_order_days as (
    select
        account_id,
        trade_date,
        gross_pnl_in_time_order
    from {{ ref('int_time_order_days') }}
),

other_date_days as (
    select
        account_id,
        trade_date,
        fills_count,
        quantity,
        moved_units,
        gross_pnl,
        total_fees
    from {{ ref('int_other_date_days') }}
),

broker_days as (
    select
        accounts.account_id,
        broker_rows.trade_date,
        count(*) as type_rows_count,
        -- An order is of one symbol, so that no order is counted in two types.
        sum(broker_rows.orders_count) as orders_count,
        sum(broker_rows.fills_count) as fills_count,
        sum(broker_rows.quantity) as quantity,
        sum({{ in_base('broker_rows.gross_pnl', rate_of('accounts.currency', 'rates')) }})
            as gross_pnl,
        sum({{ in_base('broker_rows.total_fees', rate_of('accounts.currency', 'rates')) }})
            as total_fees,
        sum({{ in_base('broker_rows.net_pnl', rate_of('accounts.currency', 'rates')) }})
            as net_pnl,
        max({{ rate_of('accounts.currency', 'rates') }}) as exchange_rate
    from broker_rows
    inner join accounts on broker_rows.account_number = accounts.account_number
    {{ join_rates('rates', 'accounts.currency', 'broker_rows.trade_date') }}
    group by accounts.account_id, broker_rows.trade_date
    -- A day that only a position's mark or an adjustment moved has nothing to compare.
    having
        coalesce(sum(broker_rows.fills_count), 0) <> 0
        or sum(broker_rows.gross_pnl) <> 0
        or sum(broker_rows.net_pnl) <> 0
),

summarised_accounts as (
    -- A summary without a figure is one: what it lacks is a difference.
    select distinct accounts.account_id
    from broker_rows
    inner join accounts on broker_rows.account_number = accounts.account_number
),

days_joined as (
    select
        coalesce(daily_totals.account_id, broker_days.account_id) as account_id,
        coalesce(daily_totals.trade_date, broker_days.trade_date) as trade_date,
        daily_totals.orders_count,
        broker_days.orders_count as broker_orders_count,
        daily_totals.fills_count,
        broker_days.fills_count as broker_fills_count,
        daily_totals.quantity,
        broker_days.quantity as broker_quantity,
        daily_totals.gross_pnl,
        broker_days.gross_pnl as broker_gross_pnl,
        daily_totals.total_fees,
        broker_days.total_fees as broker_total_fees,
        daily_totals.net_pnl,
        broker_days.net_pnl as broker_net_pnl,
        coalesce(cast(broker_days.exchange_rate as double), 1) as exchange_rate,
        daily_totals.account_id is null as is_missing_here,
        broker_days.account_id is null as is_missing_at_broker,
        coalesce(broker_days.type_rows_count, 1) as type_rows_count
    from daily_totals
    full outer join broker_days
        on
            daily_totals.account_id = broker_days.account_id
            and daily_totals.trade_date = broker_days.trade_date
),

days_measured as (
    select
        days_joined.*,
        coalesce(time_order_days.gross_pnl_in_time_order, days_joined.gross_pnl)
            as gross_pnl_in_time_order,
        case
            when other_date_days.account_id is null then days_joined.gross_pnl
            else other_date_days.gross_pnl
        end as gross_pnl_by_other_date,
        other_date_days.fills_count as other_fills_count,
        other_date_days.quantity as other_quantity,
        other_date_days.total_fees as other_fees,
        other_date_days.moved_units,
        summarised_accounts.account_id is null as lacks_summary,
        coalesce(fill_days.cancelled_count, 0) as cancelled_count,
        coalesce(fill_days.cancelled_quantity, 0) as cancelled_quantity,
        coalesce(fill_days.journal_count, 0) as journal_count,
        coalesce(fill_days.journal_quantity, 0) as journal_quantity,
        -- What a summary does not show is null, and is not compared.
        case when days_joined.is_missing_at_broker then 0 else days_joined.broker_fills_count end
        - coalesce(days_joined.fills_count, 0) as fills_surplus,
        case when days_joined.is_missing_at_broker then 0 else days_joined.broker_quantity end
        - coalesce(days_joined.quantity, 0) as quantity_surplus,
        coalesce(days_joined.broker_gross_pnl, 0)
        - case when days_joined.is_missing_here then 0 else days_joined.gross_pnl end
            as gross_surplus,
        -- Where no fees are shown, gross less net tells them.
        coalesce(
            days_joined.broker_total_fees,
            days_joined.broker_gross_pnl - days_joined.broker_net_pnl,
            0
        )
        - case when days_joined.is_missing_here then 0 else days_joined.total_fees end
            as fees_surplus,
        coalesce(days_joined.broker_net_pnl, 0)
        - case when days_joined.is_missing_here then 0 else days_joined.net_pnl end
            as net_surplus,
        coalesce(journal_days.gross_pnl, 0) as journal_gross_pnl,
        coalesce(journal_days.total_fees, 0) as journal_fees,
        -- Rounded: a sum of doubles may lie a trifle below what it stands for.
        round(least(
            (
                {{ var('gross_rounding_per_row') }} * days_joined.type_rows_count
                + coalesce(cast(fill_days.traded_units as double), 0)
                * 0.5 * power(10, -coalesce(fill_days.price_decimals, 2))
            ) * days_joined.exchange_rate,
            {{ var('largest_rounding_amount') }}
        ), 10) as gross_tolerance,
        {{ var('fees_rounding') }} * days_joined.exchange_rate as fees_tolerance,
        0.5 * power(10, -coalesce(fill_days.price_decimals, 2)) * days_joined.exchange_rate
            as rounding_per_unit
    from days_joined
    left join summarised_accounts
        on days_joined.account_id = summarised_accounts.account_id
    left join fill_days
        on
            days_joined.account_id = fill_days.account_id
            and days_joined.trade_date = fill_days.trade_date
    left join journal_days
        on
            days_joined.account_id = journal_days.account_id
            and days_joined.trade_date = journal_days.trade_date
    left join time_order_days
        on
            days_joined.account_id = time_order_days.account_id
            and days_joined.trade_date = time_order_days.trade_date
    left join other_date_days
        on
            days_joined.account_id = other_date_days.account_id
            and days_joined.trade_date = other_date_days.trade_date
),

days_tolerated as (
    select
        *,
        round(least(
            gross_tolerance + fees_tolerance,
            {{ var('largest_rounding_amount') }}
        ), 10) as net_tolerance,
        round(least(
            gross_tolerance + coalesce(cast(moved_units as double), 0) * rounding_per_unit,
            {{ var('largest_rounding_amount') }}
        ), 10) as other_date_tolerance
    from days_measured
),

days_compared as (
    select
        *,
        not is_missing_at_broker
        and (broker_gross_pnl is null or broker_net_pnl is null)
        or not is_missing_here and net_pnl is null as lacks_pnl,
        coalesce(fills_surplus, 0) = 0 as fills_agree,
        coalesce(abs(quantity_surplus), 0) <= {{ quantity_rounding }} as quantity_agrees,
        abs(cast(gross_surplus as double)) <= gross_tolerance as gross_agrees,
        abs(fees_surplus) <= fees_tolerance as fees_agree,
        abs(cast(net_surplus as double)) <= net_tolerance as net_agrees,
        -- What net differs by is what gross and fees do.
        abs(net_surplus - gross_surplus + fees_surplus) <= fees_tolerance
            as net_follows,
        -- Journal entries explain no P&L but their own.
        abs(cast(gross_surplus + journal_gross_pnl as double)) <= gross_tolerance
            as gross_agrees_without_journal,
        abs(fees_surplus + journal_fees) <= fees_tolerance
            as fees_agree_without_journal,
        abs(
            cast(coalesce(broker_gross_pnl, 0) - gross_pnl_in_time_order as double)
        ) <= gross_tolerance as gross_agrees_in_time_order,
        -- What moves to or from the day is all that differs.
        other_fills_count is not null
        and coalesce(coalesce(fills_count, 0) + fills_surplus = other_fills_count, true)
        and coalesce(abs(coalesce(quantity, 0) + quantity_surplus - other_quantity), 0)
        <= {{ quantity_rounding }}
        and abs(
            cast(coalesce(broker_gross_pnl, 0) - gross_pnl_by_other_date as double)
        ) <= other_date_tolerance
        and abs(coalesce(total_fees, 0) + fees_surplus - other_fees)
        <= fees_tolerance
        and abs(net_surplus - gross_surplus + fees_surplus) <= fees_tolerance
            as agrees_by_other_date,
        (fills_surplus is not null or quantity_surplus is not null)
        and coalesce(fills_surplus, cancelled_count) = cancelled_count
        and abs(coalesce(quantity_surplus, cancelled_quantity) - cancelled_quantity)
        <= {{ quantity_rounding }} as surplus_is_cancelled,
        coalesce(fills_surplus, 0) in (0, journal_count)
        and (
            coalesce(abs(quantity_surplus), 0) <= {{ quantity_rounding }}
            or abs(quantity_surplus - journal_quantity) <= {{ quantity_rounding }}
        ) as surplus_is_journal
    from days_tolerated
),

differing_days as (
    select
        account_id,
        trade_date,
        fills_surplus,
        coalesce(quantity_surplus, 0) as quantity_surplus,
        fees_surplus,
        fees_tolerance,
        type_rows_count
    from days_compared
    where gross_agrees and not fills_agree and not lacks_pnl
),

carried_over as (
    select distinct
        account_id,
        opened_date,
        closed_date
    from closed_lots
),

openings_booked_late as (
    select
        carried_over.account_id,
        carried_over.opened_date,
        carried_over.closed_date
    from carried_over
    inner join differing_days as opening
        on
            carried_over.account_id = opening.account_id
            and carried_over.opened_date = opening.trade_date
    inner join differing_days as closing
        on
            carried_over.account_id = closing.account_id
            and carried_over.closed_date = closing.trade_date
    where
        closing.fills_surplus > 0
        and opening.fills_surplus + closing.fills_surplus = 0
        and abs(opening.quantity_surplus + closing.quantity_surplus)
        <= {{ var('displayed_rounding') }}
        * (opening.type_rows_count + closing.type_rows_count)
        and abs(opening.fees_surplus + closing.fees_surplus)
        <= opening.fees_tolerance + closing.fees_tolerance
),

days_of_late_openings as (
    select
        account_id,
        opened_date as trade_date,
        closed_date as other_date
    from openings_booked_late
    union all
    select
        account_id,
        closed_date as trade_date,
        opened_date as other_date
    from openings_booked_late
),

late_opening_days as (
    -- A day may belong to several such positions; one is enough to name.
    select
        account_id,
        trade_date,
        min(other_date) as other_date
    from days_of_late_openings
    group by account_id, trade_date
),

classified as (
    select
        days_compared.*,
        late_opening_days.other_date,
        -- The first that fits decides; what is more particular comes first.
        case
            when days_compared.lacks_summary then 'no_summary'
            when days_compared.lacks_pnl then 'not_comparable'
            when
                days_compared.fills_agree
                and days_compared.quantity_agrees
                and days_compared.gross_agrees
                and days_compared.fees_agree
                and days_compared.net_agrees
                and not days_compared.is_missing_here
                and not days_compared.is_missing_at_broker
                then 'within_rounding'
            when days_compared.agrees_by_other_date then 'session_date'
            when days_compared.cancelled_count > 0 and days_compared.surplus_is_cancelled
                then 'cancelled_fill'
            when
                days_compared.journal_count > 0
                and days_compared.surplus_is_journal
                and (days_compared.gross_agrees or days_compared.gross_agrees_without_journal)
                and (days_compared.fees_agree or days_compared.fees_agree_without_journal)
                and days_compared.net_follows
                and not (
                    days_compared.fills_agree
                    and days_compared.quantity_agrees
                    and days_compared.gross_agrees
                )
                then 'journal_entry'
            when late_opening_days.other_date is not null then 'opening_booked_at_close'
            when days_compared.is_missing_here or days_compared.fills_surplus > 0
                then 'missing_fills'
            when days_compared.is_missing_at_broker or days_compared.fills_surplus < 0
                then 'missing_at_broker'
            when not days_compared.quantity_agrees and days_compared.quantity_surplus > 0
                then 'missing_fills'
            when not days_compared.quantity_agrees then 'missing_at_broker'
            when
                not days_compared.gross_agrees
                and days_compared.gross_agrees_in_time_order
                and days_compared.net_follows
                then 'time_order_matching'
            when
                days_compared.gross_agrees
                and not days_compared.fees_agree
                and days_compared.net_follows
                then 'restated_fees'
            else 'unknown'
        end as difference_class,
        -- Ours less the broker's, as all differences are shown.
        cast(
            case
                when abs(days_compared.net_surplus) > abs(days_compared.gross_surplus)
                    then -days_compared.net_surplus
                else -days_compared.gross_surplus
            end as decimal(38, 8)
        ) as difference_amount
    from days_compared
    left join late_opening_days
        on
            days_compared.account_id = late_opening_days.account_id
            and days_compared.trade_date = late_opening_days.trade_date
),

net_explained as (
    select
        *,
        net_agrees
        or (net_follows and not (gross_agrees and fees_agree)) as net_is_explained
    from classified
),

described as (
    select
        *,
        case
            when is_missing_here then 'we have no fill of this day'
            when is_missing_at_broker then 'the broker''s summary lacks this day'
        end as missing_text,
        'the broker counts ' || nullif(
            concat_ws(
                ', ',
                {{ difference_text('fills_surplus', 'fills_agree', 'fill', 'fills') }},
                {{ difference_text('quantity_surplus', 'quantity_agrees', 'unit', 'units') }},
                {{ difference_text('gross_surplus', 'gross_agrees', 'gross') }},
                {{ difference_text('fees_surplus', 'fees_agree', 'fees') }},
                {{ difference_text('net_surplus', 'net_is_explained', 'net') }}
            ),
            ''
        ) || ' than we do' as difference_text,
        case
            when difference_class = 'cancelled_fill'
                then 'that is the amount of our cancelled fills of the day'
            when difference_class = 'journal_entry' then 'the day holds journal entries'
            when difference_class = 'opening_booked_at_close' and other_date > trade_date
                then
                    'it counts the opening fill on ' || other_date
                    || ', when the position was closed'
            when difference_class = 'opening_booked_at_close'
                then
                    'it counts the opening fill of ' || other_date
                    || ' on the day the position was closed'
            when difference_class = 'time_order_matching'
                then 'its gross is that of a queue in time order'
            when difference_class = 'session_date'
                then
                    'all agrees once what trades in sessions counts by the other rule of '
                    || 'session_cutoffs.csv'
            when difference_class = 'restated_fees' then 'all else agrees'
            when difference_class = 'unknown' then 'nothing known here explains it'
        end as reason_text
    from net_explained
),

statuses as (
    select
        described.*,
        sign_offs.signed_off_by,
        sign_offs.note,
        case
            when described.difference_class = 'no_summary' then null
            when described.difference_class = 'within_rounding' then 'agreed'
            when {{ to_cents('described.difference_amount') }} = sign_offs.amount
                then 'signed_off'
            else 'open'
        end as status
    from described
    left join sign_offs
        on
            described.account_id = sign_offs.account_id
            and described.trade_date = sign_offs.trade_date
),

session_ages as (
    -- Sessions from a date on until the morning.
    select
        dates.trade_date,
        count(past_sessions.session_date) as age_sessions_count
    from (
        select distinct trade_date from statuses
        where status in ('open', 'signed_off')
    ) as dates
    left join past_sessions on dates.trade_date <= past_sessions.session_date
    group by dates.trade_date
),

breaks_aged as (
    select
        statuses.*,
        session_ages.age_sessions_count,
        coalesce(statuses.status in ('open', 'signed_off'), false) as is_break
    from statuses
    left join session_ages on statuses.trade_date = session_ages.trade_date
),

final as (
    select
        ---------- keys
        account_id,
        trade_date,
        ---------- verdict
        difference_class,
        case
            when difference_class in ('within_rounding', 'no_summary') then null
            when difference_class = 'not_comparable' and not is_missing_here and net_pnl is null
                then 'our P&L of this day lacks an exchange rate'
            when difference_class = 'not_comparable'
                then 'the broker''s summary shows no P&L for this day'
            else concat_ws('; ', missing_text, difference_text, reason_text)
        end as explanation,
        difference_amount,
        ---------- status of a break
        status,
        case when is_break then trade_date end as first_seen,
        case when is_break then age_sessions_count end as age_sessions_count,
        case when is_break then signed_off_by end as owner,
        case when is_break then note end as note,
        ---------- numbers
        fills_count,
        cast(broker_fills_count as bigint) as broker_fills_count,
        orders_count,
        cast(broker_orders_count as bigint) as broker_orders_count,
        cast(orders_count - broker_orders_count as bigint) as orders_difference,
        quantity,
        cast(broker_quantity as decimal(38, 8)) as broker_quantity,
        cast(quantity - broker_quantity as decimal(38, 8)) as quantity_difference,
        ---------- money
        gross_pnl,
        cast(broker_gross_pnl as decimal(38, 8)) as broker_gross_pnl,
        cast(gross_pnl - broker_gross_pnl as decimal(38, 8)) as gross_difference,
        cast(gross_pnl_in_time_order as decimal(38, 8)) as gross_pnl_in_time_order,
        cast(gross_pnl_by_other_date as decimal(38, 8)) as gross_pnl_by_other_date,
        total_fees,
        cast(broker_total_fees as decimal(38, 8)) as broker_total_fees,
        cast(total_fees - broker_total_fees as decimal(38, 8)) as fees_difference,
        net_pnl,
        cast(broker_net_pnl as decimal(38, 8)) as broker_net_pnl,
        cast(net_pnl - broker_net_pnl as decimal(38, 8)) as net_difference,
        cast(net_tolerance as decimal(38, 8)) as net_tolerance
    from breaks_aged
)

select * from final
