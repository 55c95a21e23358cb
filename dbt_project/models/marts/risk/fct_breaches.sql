{#
    Grain: one row per breach of a limit: scope, rule and the first date of it. Dates one
    after the other on which the limit stays breached (a drawdown, a week, a position held)
    are one breach; every day's loss is one of its own.
    The case file: the limit, how far beyond it, when to the second, what was held then, what
    came after, what had been forecast that morning, what was noted since.
    What goes deeper after it was closed, by more than a tenth of its limit, is open again.
    Known to who closes it are the sessions before that date, else that date's.
#}
with

limit_use as (
    select * from {{ ref('fct_limit_use') }}
),

positions as (
    select * from {{ ref('int_breach_positions') }}
),

scope_days as (
    select
        scope_type,
        scope_name,
        trade_date,
        net_pnl
    from {{ ref('int_scope_days') }}
),

notes as (
    select * from {{ ref('stg_desk__breach_notes') }}
),

predictions as (
    select
        trader_id,
        prediction_date,
        model,
        limit_risk,
        limit_loss_probability
    from {{ ref('stg_ml__predictions') }}
),

roster as (
    select
        trader_id,
        prediction_date,
        model
    from {{ ref('stg_ml__roster') }}
),

advice as (
    select
        trader_id,
        prediction_date,
        position_multiplier
    from {{ ref('stg_ml__policy_advice') }}
    where is_live
),

uses_numbered as (
    select
        *,
        sum(case when is_new_breach then 1 else 0 end) over (
            partition by scope_type, scope_name, rule order by trade_date
            rows between unbounded preceding and current row
        ) as breach_number,
        max(trade_date) over (partition by scope_type, scope_name, rule) as last_date
    from limit_use
    where is_limit_set
),

breaches as (
    select
        scope_type,
        scope_name,
        rule,
        breach_number,
        min(trade_date) as trade_date,
        max(trade_date) as last_breached_date,
        max(trade_date) = max(last_date) as is_ongoing,
        count(*) as breached_days_count,
        max(peak_value) as most_value,
        min_by(limit_value, trade_date) as limit_value
    from uses_numbered
    where is_breached
    group by scope_type, scope_name, rule, breach_number
),

positions_ordered as (
    select
        *,
        row_number() over (
            partition by scope_type, scope_name, rule, trade_date
            order by abs(exposure) desc nulls last, account_id asc, symbol asc
        ) as shown_order
    from positions
),

positions_told as (
    select
        scope_type,
        scope_name,
        rule,
        trade_date,
        count(*) as positions_count,
        {{ sum_if_known('abs(exposure)') }} as gross_exposure,
        {{ first_few_joined(plain_number('position_quantity') ~ " || ' ' || symbol") }}
            as positions
    from positions_ordered
    group by scope_type, scope_name, rule, trade_date
),

notes_ordered as (
    -- Of two of the same second, the line that was added later.
    select
        breaches.scope_type,
        breaches.scope_name,
        breaches.rule,
        breaches.breach_number,
        notes.noted_at,
        notes.note,
        notes.noted_by,
        notes.closes,
        row_number() over (
            partition by
                breaches.scope_type,
                breaches.scope_name,
                breaches.rule,
                breaches.breach_number
            order by notes.noted_at, notes.line_number
        ) as note_number
    from breaches
    inner join notes
        on
            breaches.scope_type = notes.scope_type
            and breaches.scope_name = notes.scope_name
            and breaches.rule = notes.rule
            and breaches.trade_date <= notes.trade_date
            and breaches.last_breached_date >= notes.trade_date
),

notes_summed as (
    select
        scope_type,
        scope_name,
        rule,
        breach_number,
        count(*) as notes_count,
        max(noted_at) as noted_at,
        max_by(note, note_number) as note,
        max_by(noted_by, note_number) as noted_by,
        max_by(closes, note_number) as is_closed
    from notes_ordered
    group by scope_type, scope_name, rule, breach_number
),

depths as (
    select
        notes_summed.scope_type,
        notes_summed.scope_name,
        notes_summed.rule,
        notes_summed.breach_number,
        coalesce(
            max(
                case
                    when uses_numbered.trade_date < cast(notes_summed.noted_at as date)
                        then uses_numbered.peak_value
                end
            ),
            max(
                case
                    when uses_numbered.trade_date = cast(notes_summed.noted_at as date)
                        then uses_numbered.peak_value
                end
            )
        ) as known_value,
        max(
            case
                when uses_numbered.trade_date >= cast(notes_summed.noted_at as date)
                    then uses_numbered.peak_value
            end
        ) as later_value
    from notes_summed
    inner join uses_numbered
        on
            notes_summed.scope_type = uses_numbered.scope_type
            and notes_summed.scope_name = uses_numbered.scope_name
            and notes_summed.rule = uses_numbered.rule
            and notes_summed.breach_number = uses_numbered.breach_number
    where notes_summed.is_closed and uses_numbered.is_breached
    group by
        notes_summed.scope_type,
        notes_summed.scope_name,
        notes_summed.rule,
        notes_summed.breach_number
),

cases as (
    select
        breaches.*,
        notes_summed.notes_count,
        notes_summed.note,
        notes_summed.noted_by,
        notes_summed.noted_at,
        coalesce(notes_summed.is_closed, false) as is_closed,
        coalesce(
            depths.later_value
            > depths.known_value
            + {{ var('reopened_beyond_limit_share') }} * breaches.limit_value,
            false
        ) as is_reopened
    from breaches
    left join notes_summed
        on
            breaches.scope_type = notes_summed.scope_type
            and breaches.scope_name = notes_summed.scope_name
            and breaches.rule = notes_summed.rule
            and breaches.breach_number = notes_summed.breach_number
    left join depths
        on
            breaches.scope_type = depths.scope_type
            and breaches.scope_name = depths.scope_name
            and breaches.rule = depths.rule
            and breaches.breach_number = depths.breach_number
),

final as (
    select
        ---------- keys
        breaches.scope_type,
        breaches.scope_name,
        breaches.rule,
        breaches.trade_date,
        ---------- the breach
        first_uses.limit_unit,
        first_uses.limit_value,
        first_uses.used_value,
        first_uses.peak_value,
        cast(breaches.most_value as decimal(38, 8)) as most_value,
        first_uses.peak_ratio,
        first_uses.is_past_at_open,
        first_uses.breached_at,
        breaches.last_breached_date,
        cast(breaches.breached_days_count as bigint) as breached_days_count,
        breaches.is_ongoing,
        ---------- at the breach
        first_uses.net_pnl_at_breach,
        cast(positions_told.positions_count as bigint) as positions_count,
        positions_told.positions,
        cast(positions_told.gross_exposure as decimal(38, 8)) as gross_exposure,
        ---------- after it
        first_uses.fills_after_breach_count,
        first_uses.net_pnl_after_breach,
        scope_days.net_pnl,
        ---------- forecast that morning
        predictions.limit_loss_probability as forecast_limit_loss_probability,
        predictions.limit_risk as forecast_limit_risk,
        advice.position_multiplier as advised_position_multiplier,
        ---------- done about it
        case when breaches.is_closed and not breaches.is_reopened then 'closed' else 'open' end
            as status,
        breaches.is_reopened,
        coalesce(breaches.notes_count, 0) as notes_count,
        breaches.note,
        breaches.noted_by,
        breaches.noted_at
    from cases as breaches
    inner join limit_use as first_uses
        on
            breaches.scope_type = first_uses.scope_type
            and breaches.scope_name = first_uses.scope_name
            and breaches.rule = first_uses.rule
            and breaches.trade_date = first_uses.trade_date
    left join scope_days
        on
            breaches.scope_type = scope_days.scope_type
            and breaches.scope_name = scope_days.scope_name
            and breaches.trade_date = scope_days.trade_date
    left join positions_told
        on
            breaches.scope_type = positions_told.scope_type
            and breaches.scope_name = positions_told.scope_name
            and breaches.rule = positions_told.rule
            and breaches.trade_date = positions_told.trade_date
    left join roster
        on
            breaches.scope_type = 'trader'
            and breaches.scope_name = roster.trader_id
            and breaches.trade_date = roster.prediction_date
    left join predictions
        on
            roster.trader_id = predictions.trader_id
            and roster.prediction_date = predictions.prediction_date
            and roster.model = predictions.model
    left join advice
        on
            roster.trader_id = advice.trader_id
            and roster.prediction_date = advice.prediction_date
)

select * from final
