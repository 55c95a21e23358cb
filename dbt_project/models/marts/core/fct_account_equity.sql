{#
    Grain: one row per account and date of which fills, positions, adjustments or the broker's
    summary tell anything.
    Cash is what it was plus net, adjustments, payouts and transfers; the end balance is cash
    and unrealized. Cash before the first date is what the broker's summary leaves for it,
    nothing where the account begins with that date, and unknown otherwise. What a source
    does not list comes from the broker's summary, and says so. Unknown is null, never 0, and
    so is all that is made of it; cash is known again from the next date on which the broker
    shows it.
    The ledger is kept in the account's currency and shown in the base currency, at the
    exchange rate of each date: what the rate itself does to what was there before is
    currency_delta, and in no total delta.
#}
{% set money = [
    'net_pnl', 'adjustments_amount', 'payouts_amount',
    'unmapped_amount', 'transfers_amount', 'unrealized_delta',
    'cash_amount', 'unrealized_pnl', 'month_to_date_total_delta',
    'year_to_date_total_delta', 'high_water_mark', 'drawdown_from_peak',
    'broker_adjusted_net_pnl', 'broker_unrealized_delta', 'broker_total_delta',
    'broker_cash_amount', 'broker_end_balance', 'adjusted_net_difference',
    'unrealized_delta_difference', 'total_delta_difference',
    'difference_amount',
] %}

with

daily_totals as (
    select
        account_id,
        trade_date,
        net_pnl,
        adjustments_amount,
        payouts_amount,
        transfers_amount,
        unrealized_pnl,
        unrealized_delta
    from {{ ref('daily_totals') }}
),

account_currencies as (
    select
        account_id,
        currency
    from {{ ref('int_account_currencies') }}
),

unmapped_days as (
    select
        account_id,
        trade_date,
        sum(local_amount) as unmapped_amount
    from {{ ref('int_adjustments') }}
    where adjustment_class = 'unknown'
    group by account_id, trade_date
),

unknown_spans as (
    select
        account_id,
        unknown_from,
        unknown_until
    from {{ ref('int_unknown_trading_spans') }}
),

broker_days as (
    select
        account_id,
        trade_date,
        type_rows_count,
        net_pnl,
        adjusted_net_pnl,
        unrealized_delta,
        total_delta,
        transfers_amount,
        cash_amount,
        -- A type whose positions have not moved has no row of its own.
        coalesce(end_balance - cash_amount, unrealized_pnl) as unrealized_pnl,
        end_balance
    from {{ ref('int_broker_days') }}
),

net_tolerances as (
    select
        account_id,
        trade_date,
        net_tolerance
    from {{ ref('broker_reconciliation') }}
),

position_days as (
    select
        account_id,
        trade_date,
        sum(unrealized_tolerance) as unrealized_tolerance,
        -- What the broker holds alone is no position without gain.
        max(
            case
                when broker_position_quantity <> 0 and coalesce(position_quantity, 0) = 0
                    then 1
                else 0
            end
        ) as is_incomplete
    from {{ ref('int_position_differences') }}
    group by account_id, trade_date
),

accounts as (
    select
        account_number,
        account_id
    from {{ ref('int_accounts') }}
),

first_traded_dates as (
    select
        accounts.account_id,
        min(listings.first_traded_date) as first_traded_date
    from {{ ref('stg_propreports__accounts') }} as listings
    inner join accounts on listings.account_number = accounts.account_number
    group by accounts.account_id
),

account_traders as (
    select
        account_id,
        trader_id,
        valid_from,
        valid_to
    from {{ ref('int_account_traders') }}
),

resets as (
    select
        account_id,
        reset_date
    from {{ ref('int_account_resets') }}
),

run_context as (
    select source_name = 'files' as lists_no_adjustments
    from {{ ref('stg_propreports__run_context') }}
),

account_days as (
    select
        account_id,
        trade_date
    from daily_totals
    union
    select
        account_id,
        trade_date
    from broker_days
    union
    select
        account_id,
        trade_date
    from position_days
),

days_rated as (
    select
        account_days.account_id,
        account_days.trade_date,
        account_currencies.currency,
        {{ rate_of('account_currencies.currency', 'rates') }} as exchange_rate,
        row_number() over (
            partition by account_days.account_id order by account_days.trade_date
        ) = 1 as is_first_date
    from account_days
    inner join account_currencies
        on account_days.account_id = account_currencies.account_id
    {{ join_rates('rates', 'account_currencies.currency', 'account_days.trade_date') }}
),

days_joined as (
    -- Where neither we nor the broker know of a position nothing is unrealized.
    select
        account_days.account_id,
        account_days.trade_date,
        account_days.currency,
        account_days.exchange_rate,
        case
            when daily_totals.account_id is null then 0
            else {{ from_base('daily_totals.net_pnl', 'account_days.exchange_rate') }}
        end as net_pnl,
        case
            when run_context.lists_no_adjustments
                then coalesce(
                    {{ from_base(
                        'daily_totals.adjustments_amount', 'account_days.exchange_rate'
                    ) }},
                    broker_days.adjusted_net_pnl - broker_days.net_pnl
                )
            when daily_totals.account_id is null then 0
            else {{ from_base(
                'daily_totals.adjustments_amount', 'account_days.exchange_rate'
            ) }}
        end as adjustments_amount,
        case
            when run_context.lists_no_adjustments then null
            when daily_totals.account_id is null then 0
            else {{ from_base('daily_totals.payouts_amount', 'account_days.exchange_rate') }}
        end as payouts_amount,
        case
            when not run_context.lists_no_adjustments
                then coalesce(unmapped_days.unmapped_amount, 0)
        end as unmapped_amount,
        case
            when run_context.lists_no_adjustments then broker_days.transfers_amount
            when daily_totals.account_id is null then 0
            else {{ from_base('daily_totals.transfers_amount', 'account_days.exchange_rate') }}
        end as transfers_amount,
        run_context.lists_no_adjustments,
        unmapped_days.account_id is not null as has_unmapped,
        case
            when position_days.is_incomplete = 1 then null
            when daily_totals.account_id is null then 0
            else {{ from_base('daily_totals.unrealized_pnl', 'account_days.exchange_rate') }}
        end as marked_unrealized_pnl,
        case
            when position_days.is_incomplete = 1 then null
            when daily_totals.account_id is null then 0
            -- What a rate does to what is held is no delta in the account's currency; on
            -- the first date it has done nothing yet.
            when account_days.exchange_rate = 1 or account_days.is_first_date
                then {{ from_base(
                    'daily_totals.unrealized_delta', 'account_days.exchange_rate'
                ) }}
        end as marked_unrealized_delta,
        broker_days.account_id is not null as has_summary,
        broker_days.type_rows_count,
        broker_days.net_pnl as broker_net_pnl,
        broker_days.adjusted_net_pnl as broker_adjusted_net_pnl,
        broker_days.unrealized_delta as broker_unrealized_delta,
        broker_days.total_delta as broker_total_delta,
        broker_days.transfers_amount as broker_transfers_amount,
        broker_days.cash_amount as broker_cash_amount,
        broker_days.unrealized_pnl as broker_unrealized_pnl,
        broker_days.end_balance as broker_end_balance,
        {{ var('displayed_rounding') }} * coalesce(broker_days.type_rows_count, 0)
            as displayed_tolerance,
        coalesce(
            {{ from_base('net_tolerances.net_tolerance', 'account_days.exchange_rate') }}, 0
        ) as net_tolerance,
        coalesce(position_days.unrealized_tolerance, 0) as unrealized_tolerance
    from days_rated as account_days
    cross join run_context
    left join daily_totals
        on
            account_days.account_id = daily_totals.account_id
            and account_days.trade_date = daily_totals.trade_date
    left join unmapped_days
        on
            account_days.account_id = unmapped_days.account_id
            and account_days.trade_date = unmapped_days.trade_date
    left join broker_days
        on
            account_days.account_id = broker_days.account_id
            and account_days.trade_date = broker_days.trade_date
    left join net_tolerances
        on
            account_days.account_id = net_tolerances.account_id
            and account_days.trade_date = net_tolerances.trade_date
    left join position_days
        on
            account_days.account_id = position_days.account_id
            and account_days.trade_date = position_days.trade_date
),

days_sourced as (
    select
        *,
        coalesce(marked_unrealized_pnl, broker_unrealized_pnl) as unrealized_pnl,
        case
            when marked_unrealized_pnl is not null then 'marks'
            when coalesce(broker_unrealized_pnl, broker_unrealized_delta) is not null
                then 'broker_summary'
        end as unrealized_source,
        case
            when not lists_no_adjustments then 'adjustments'
            when adjustments_amount is not null then 'broker_summary'
        end as adjustments_source,
        -- The broker's adjusted net: payouts and unmapped bookings are in it.
        net_pnl + adjustments_amount + coalesce(payouts_amount, 0)
        + coalesce(unmapped_amount, 0) as adjusted_net_pnl
    from days_joined
),

days_changed as (
    select
        *,
        adjusted_net_pnl + transfers_amount as cash_change,
        coalesce(
            marked_unrealized_delta,
            unrealized_pnl - lag(unrealized_pnl) over account_in_order,
            broker_unrealized_delta
        ) as unrealized_delta,
        coalesce(lag(unrealized_tolerance) over account_in_order, 0)
            as previous_unrealized_tolerance
    from days_sourced
    window account_in_order as (partition by account_id order by trade_date)
),

unknown_days as (
    select distinct
        days_changed.account_id,
        days_changed.trade_date
    from days_changed
    inner join unknown_spans
        on
            days_changed.account_id = unknown_spans.account_id
            and days_changed.trade_date >= unknown_spans.unknown_from
            and days_changed.trade_date <= unknown_spans.unknown_until
),

days_told as (
    -- By the rule of total P&L (int_account_total_pnl), which begins with the ledger.
    select
        days_changed.*,
        days_changed.net_pnl + days_changed.adjustments_amount + days_changed.unrealized_delta
            as total_delta,
        not days_changed.has_unmapped
        and unknown_days.account_id is null
        and (days_changed.payouts_amount is not null or days_changed.adjustments_amount = 0)
            as is_told
    from days_changed
    left join unknown_days
        on
            days_changed.account_id = unknown_days.account_id
            and days_changed.trade_date = unknown_days.trade_date
),

days_summed as (
    select
        *,
        case when is_told then total_delta end as known_delta,
        sum(coalesce(cash_change, 0)) over account_so_far as cash_changes,
        sum(case when cash_change is null then 1 else 0 end) over account_so_far
            as unknown_changes_count,
        sum(coalesce(transfers_amount, 0)) over account_so_far as transfers_so_far,
        sum(case when transfers_amount is null then 1 else 0 end) over account_so_far
            as unknown_transfers_count,
        sum(coalesce(payouts_amount, 0)) over account_so_far as payouts_so_far,
        sum(net_tolerance) over account_so_far as net_tolerances
    from days_told
    window account_so_far as (
        partition by account_id order by trade_date
        rows between unbounded preceding and current row
    )
),

cash_starts as (
    -- From each change that is unknown on, cash begins anew.
    select
        days_summed.account_id,
        days_summed.unknown_changes_count,
        min(days_summed.trade_date) as first_date,
        min(
            case when days_summed.broker_cash_amount is not null then days_summed.trade_date end
        ) as shown_date,
        min_by(
            days_summed.broker_cash_amount - days_summed.cash_changes,
            case when days_summed.broker_cash_amount is not null then days_summed.trade_date end
        ) as shown_before
    from days_summed
    group by days_summed.account_id, days_summed.unknown_changes_count
),

cash_known as (
    select
        cash_starts.account_id,
        cash_starts.unknown_changes_count,
        -- Half a cent is what the broker's display has left out.
        case
            when
                cash_starts.unknown_changes_count = 0
                and coalesce(
                    abs(cash_starts.shown_before) <= {{ var('displayed_rounding') }},
                    cash_starts.first_date <= first_traded_dates.first_traded_date
                )
                then 'history'
            when cash_starts.shown_date is not null then 'broker_summary'
        end as cash_source,
        cash_starts.first_date,
        cash_starts.shown_date,
        cash_starts.shown_before
    from cash_starts
    left join first_traded_dates
        on cash_starts.account_id = first_traded_dates.account_id
),

days_balanced as (
    select
        days_summed.*,
        case
            when cash_known.cash_source = 'history' then days_summed.cash_changes
            when days_summed.trade_date >= cash_known.shown_date
                then cash_known.shown_before + days_summed.cash_changes
        end as cash_amount,
        case
            when
                cash_known.cash_source = 'history'
                or days_summed.trade_date >= cash_known.shown_date
                then cash_known.cash_source
        end as cash_source
    from days_summed
    inner join cash_known
        on
            days_summed.account_id = cash_known.account_id
            and days_summed.unknown_changes_count = cash_known.unknown_changes_count
),

days_closed as (
    select
        *,
        cash_amount + unrealized_pnl as end_balance,
        coalesce(
            lag(cash_amount + unrealized_pnl) over (
                partition by account_id order by trade_date
            ),
            cash_amount + unrealized_pnl - cash_change - unrealized_delta
        ) as opening_equity
    from days_balanced
),

reset_days as (
    select
        days_closed.account_id,
        days_closed.trade_date,
        max(resets.reset_date) as reset_date
    from days_closed
    inner join resets
        on
            days_closed.account_id = resets.account_id
            and days_closed.trade_date >= resets.reset_date
    group by days_closed.account_id, days_closed.trade_date
),

days_since_reset as (
    select
        days_closed.*,
        coalesce(reset_days.reset_date, {{ min_date() }}) as level_since
    from days_closed
    left join reset_days
        on
            days_closed.account_id = reset_days.account_id
            and days_closed.trade_date = reset_days.trade_date
),

days_levelled as (
    -- Money moved in or out is neither gain nor loss, and nor is what is paid out.
    select
        *,
        case
            when unknown_transfers_count = 0 then end_balance - transfers_so_far - payouts_so_far
        end as own_level,
        case
            when unknown_transfers_count = 0
                then
                    opening_equity - transfers_so_far + transfers_amount
                    - payouts_so_far + coalesce(payouts_amount, 0)
        end as opening_level
    from days_since_reset
),

days_peaked as (
    select
        *,
        case
            when own_level is not null
                then max(greatest(own_level, coalesce(opening_level, own_level))) over (
                    partition by account_id, level_since order by trade_date
                    rows between unbounded preceding and current row
                )
        end as high_water_mark,
        {% for period in ['month', 'year'] -%}
            sum(coalesce(known_delta, 0)) over (
                partition by account_id, {{ dbt.date_trunc(period, 'trade_date') }}
                order by trade_date
                rows between unbounded preceding and current row
            ) as {{ period }}_to_date_total_delta,
            sum(case when known_delta is null then 1 else 0 end) over (
                partition by account_id, {{ dbt.date_trunc(period, 'trade_date') }}
                order by trade_date
                rows between unbounded preceding and current row
            ) as {{ period }}_to_date_unknown_days_count,
        {% endfor -%}
        net_pnl - broker_net_pnl as net_difference,
        adjusted_net_pnl - net_pnl - (broker_adjusted_net_pnl - broker_net_pnl)
            as adjustments_difference,
        transfers_amount - broker_transfers_amount as transfers_difference,
        unrealized_pnl - broker_unrealized_pnl as unrealized_difference,
        adjusted_net_pnl - broker_adjusted_net_pnl as adjusted_net_difference,
        unrealized_delta - broker_unrealized_delta as unrealized_delta_difference,
        adjusted_net_pnl + unrealized_delta - broker_total_delta as total_delta_difference,
        cash_amount - broker_cash_amount as cash_difference,
        end_balance - broker_end_balance as end_balance_difference,
        -- However long the history, more than that is no rounding.
        least(
            {{ var('gross_rounding_per_row') }} + net_tolerances,
            {{ var('largest_rounding_amount') }}
        ) as cash_tolerance
    from days_levelled
),

classified as (
    -- The first that fits decides: the day's own flows before what is carried.
    select
        *,
        case
            when not has_summary then 'no_summary'
            when
                coalesce(
                    adjusted_net_difference, unrealized_delta_difference,
                    total_delta_difference, cash_difference, end_balance_difference
                ) is null
                then 'not_comparable'
            when abs(net_difference) > greatest(net_tolerance, displayed_tolerance)
                then 'net_differs'
            when abs(adjustments_difference) > 2 * displayed_tolerance
                then 'adjustments_differ'
            when abs(transfers_difference) > displayed_tolerance then 'transfers_differ'
            when
                abs(unrealized_difference)
                > unrealized_tolerance + displayed_tolerance + {{ var('displayed_rounding') }}
                or abs(unrealized_delta_difference)
                > unrealized_tolerance + previous_unrealized_tolerance + displayed_tolerance
                then 'unrealized_differs'
            when
                abs(cash_difference) > cash_tolerance
                or abs(end_balance_difference)
                > cash_tolerance + unrealized_tolerance + displayed_tolerance
                then 'carried_difference'
            else 'agrees'
        end as difference_class
    from days_peaked
),

differences_measured as (
    select
        *,
        -- The first day's opening is at its own rate.
        lag(exchange_rate, 1, exchange_rate) over (
            partition by account_id order by trade_date
        ) as previous_exchange_rate,
        high_water_mark - own_level as drawdown_from_peak,
        cast(
            case difference_class
                when 'net_differs' then net_difference
                when 'adjustments_differ' then adjustments_difference
                when 'transfers_differ' then transfers_difference
                when 'unrealized_differs'
                    then coalesce(
                        nullif(unrealized_difference, 0),
                        unrealized_delta_difference
                    )
                when 'carried_difference'
                    then coalesce(
                        end_balance_difference, cash_difference
                    )
                when 'agrees' then 0
            end as decimal(38, 8)
        ) as difference_amount
    from classified
),

days_in_base as (
    select
        account_id,
        trade_date,
        currency,
        exchange_rate,
        cash_source,
        adjustments_source,
        unrealized_source,
        cast({{ in_base('opening_equity', 'previous_exchange_rate') }} as decimal(38, 8))
            as opening_equity,
        cast(
            case
                when exchange_rate = previous_exchange_rate then 0
                else
                    {{ in_base('opening_equity', 'exchange_rate') }}
                    - {{ in_base('opening_equity', 'previous_exchange_rate') }}
            end as decimal(38, 8)
        ) as currency_delta,
        {% for column in money -%}
            cast({{ in_base(column, 'exchange_rate') }} as decimal(38, 8)) as {{ column }},
        {% endfor -%}
        {% for period in ['month', 'year'] -%}
            cast({{ period }}_to_date_unknown_days_count as bigint)
                as {{ period }}_to_date_unknown_days_count,
        {% endfor -%}
        difference_class
    from differences_measured
),

final as (
    select
        ---------- keys
        days_in_base.account_id,
        account_traders.trader_id,
        days_in_base.trade_date,
        ---------- the day
        days_in_base.opening_equity,
        days_in_base.net_pnl,
        days_in_base.adjustments_amount,
        days_in_base.payouts_amount,
        days_in_base.unmapped_amount,
        days_in_base.transfers_amount,
        days_in_base.unrealized_delta,
        cast(
            days_in_base.net_pnl + days_in_base.adjustments_amount
            + days_in_base.unrealized_delta
            as decimal(38, 8)
        ) as total_delta,
        days_in_base.currency_delta,
        ---------- at its end
        days_in_base.cash_amount,
        days_in_base.unrealized_pnl,
        cast(days_in_base.cash_amount + days_in_base.unrealized_pnl as decimal(38, 8))
            as end_balance,
        ---------- where it is from
        case when days_in_base.cash_amount is not null then days_in_base.cash_source end
            as cash_source,
        days_in_base.adjustments_source,
        days_in_base.unrealized_source,
        days_in_base.currency,
        cast(days_in_base.exchange_rate as decimal(17, 10)) as exchange_rate,
        ---------- so far
        days_in_base.month_to_date_total_delta,
        days_in_base.month_to_date_unknown_days_count,
        days_in_base.year_to_date_total_delta,
        days_in_base.year_to_date_unknown_days_count,
        days_in_base.high_water_mark,
        days_in_base.drawdown_from_peak,
        ---------- the broker's
        days_in_base.broker_adjusted_net_pnl,
        days_in_base.broker_unrealized_delta,
        days_in_base.broker_total_delta,
        days_in_base.broker_cash_amount,
        days_in_base.broker_end_balance,
        days_in_base.adjusted_net_difference,
        days_in_base.unrealized_delta_difference,
        days_in_base.total_delta_difference,
        cast(days_in_base.cash_amount - days_in_base.broker_cash_amount as decimal(38, 8))
            as cash_difference,
        cast(
            days_in_base.cash_amount + days_in_base.unrealized_pnl
            - days_in_base.broker_end_balance
            as decimal(38, 8)
        ) as end_balance_difference,
        days_in_base.difference_class,
        days_in_base.difference_amount
    from days_in_base
    inner join account_traders
        on
            days_in_base.account_id = account_traders.account_id
            and days_in_base.trade_date >= account_traders.valid_from
            and days_in_base.trade_date < account_traders.valid_to
)

select * from final
