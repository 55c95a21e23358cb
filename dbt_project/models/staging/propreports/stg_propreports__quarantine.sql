{#
    Grain: one row per line of a document that could not be read, or that shows first what
    a spreadsheet has done to all of it.
    The cell, the file and the reason in full stay in the raw layer: a file is named after
    its account, and any of them may hold a person's name. What leaves it is what the
    code of the reason stands for.
#}
with

source as (
    select * from {{ source('propreports', 'quarantine') }}
),

final as (
    select
        resource,
        column_name,
        case reason_code
            when 'empty' then 'is empty'
            when 'line_break' then 'holds a line break'
            when 'not_a_number' then 'is not a number that fits'
            when 'not_a_quantity' then 'is not a number that fits'
            when 'not_a_count' then 'is not a whole number'
            when 'not_a_date' then 'is not a date'
            when 'not_a_timestamp' then 'is not a date'
            when 'not_a_side' then 'is not a side'
            when 'not_a_symbol' then 'is not a symbol'
            when 'date_in_future' then 'is not a possible date'
            when 'date_too_early' then 'is not a possible date'
            when 'date_not_requested' then 'is not a possible date'
            when 'notional_too_large' then 'times the quantity is too much'
            when 'fees_too_large' then 'are too much'
            when 'wrong_width' then 'row has another number of cells than the header'
            when 'repeated' then 'repeats an earlier row'
            when 'blank_document' then 'document or row cannot be read'
            when 'unreadable_document' then 'document or row cannot be read'
            when 'spreadsheet_value' then 'is what a spreadsheet made of it'
            when 'spreadsheet_symbol' then 'is what a spreadsheet made of it'
            when 'no_seconds' then 'has no seconds, as a spreadsheet leaves them out'
            when 'file_without_seconds' then 'has no seconds, as a spreadsheet leaves them out'
            when 'day_before_month' then 'has the day before the month'
            when 'lost_zeros' then 'is shorter than the others'
            when 'compressed' then 'compressed in a way that is not read'
            when 'spreadsheet' then 'spreadsheet of a kind that is not read'
            when 'subfolder' then 'in a place that is not read'
            when 'other_spelling' then 'under a name that is not read'
            when 'foreign_file' then 'in a place that is not read'
            when 'no_regular_file' then 'pipe, device or link out of the folder'
            else 'cannot be read'
        end as reason_kind,
        reason_code in ('file_without_seconds', 'lost_zeros') as is_loaded,
        trade_date,
        first_date,
        last_date,
        rejected_at
    from source
)

select * from final
