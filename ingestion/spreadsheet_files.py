"""What a spreadsheet did to whole files, where no single cell is wrong.

Seconds that are all zero, ids that lost their leading zeros, days taken for months.
"""

from datetime import date

from ingestion.errors import DocumentError
from ingestion.parsed_batch import ParsedBatch
from ingestion.reasons import SENTENCES, ReasonCode
from ingestion.resources import BROKER_DAYS, FILLS

# So many different times are never all of full minutes: one in sixty each is.
MINIMUM_TIMES = 20
ID_COLUMNS = {
    "order_id": "Order Id",
    "fill_id": "Fill Id",
    "propreports_id": "PropReports Id",
}
# Ids are of one width if so many of them are.
MINIMUM_IDS, SHARE_OF_WIDTH = 20, 0.8
# So many dates of a file on weekends, and none once day and month are changed back.
MINIMUM_DATES, SHARE_ON_WEEKENDS = 4, 0.1


def refuse_or_tell(parsed: ParsedBatch) -> None:
    """Add what is reported of whole files to the rejected rows of `parsed`.

    Raises:
        DocumentError: The dates of a file are turned.
    """
    _refuse_turned_dates(parsed)
    _tell_lost_seconds(parsed)
    _tell_lost_zeros(parsed)


def _refuse_turned_dates(parsed: ParsedBatch) -> None:
    for resource in (FILLS, BROKER_DAYS):
        found = parsed.connection.execute(
            f"""
            with file_dates as (
                select distinct origin_number, trade_date from {resource.name}_rows
            ),
            turned as (
                select
                    *,
                    case when day(trade_date) <= 12 then make_date(
                        year(trade_date), day(trade_date), month(trade_date)
                    ) end as turned_date
                from file_dates
            )
            select origin_number, min(trade_date), min(turned_date) from turned
            group by origin_number
            having count(*) >= {MINIMUM_DATES}
                and count(turned_date) = count(*)
                and avg(cast(isodow(trade_date) > 5 as int)) >= {SHARE_ON_WEEKENDS}
                and count(*) filter (isodow(turned_date) > 5) = 0
            order by origin_number limit 1
            """
        ).fetchall()
        if found:
            number, read, meant = found[0]
            raise _turned(parsed, number, resource.columns[0].labels[0], read, meant)


def _turned(
    parsed: ParsedBatch, number: int, column: str, read: date, meant: date
) -> DocumentError:
    document = parsed.document(number)
    cell = f"{read:%m/%d/%Y}"
    error = DocumentError(
        f"{document.origin}: {column} has the day before the month, as a spreadsheet "
        f"may turn them: read as it stands, {cell} and others lie on weekends; turned "
        f"back, as {meant}, none does. Export it again from PropReports.",
        column=column,
        cell=cell,
    )
    parsed.set_aside(document, ReasonCode.DAY_BEFORE_MONTH, str(error), error)
    return error


def _tell_lost_seconds(parsed: ParsedBatch) -> None:
    found = parsed.connection.execute(
        f"""
        with suspected as (
            select origin_number from {FILLS.name}_rows
            where filled_at_et > trade_date group by origin_number
            having max(second(filled_at_et)) = 0 and count(*) >= {MINIMUM_TIMES}
        )
        select origin_number, min(line_number), arg_min(filled_at_et, line_number),
            count(*)
        from {FILLS.name}_rows inner join suspected using (origin_number)
        where filled_at_et > trade_date group by origin_number
        having count(distinct filled_at_et) >= {MINIMUM_TIMES}
        """
    ).fetchall()
    for number, line, first, count in found:
        said = SENTENCES[ReasonCode.FILE_WITHOUT_SECONDS]
        reason = f"{said}, nor has any of {count:,} rows"
        parsed.tell(
            number,
            ReasonCode.FILE_WITHOUT_SECONDS,
            reason,
            line=line,
            column="Date/Time",
            cell=f"{first:%m/%d/%Y %H:%M:%S}",
        )


def _tell_lost_zeros(parsed: ParsedBatch) -> None:
    """Ids shorter than the others' one width, without the zero that others begin with.

    Where no id begins with a zero any more, a shorter one must follow a longer one of
    the same account and day: a number that only grows becomes no shorter.
    """
    for name, label in ID_COLUMNS.items():
        found = parsed.connection.execute(
            f"""
            with ids as (
                select origin_number, line_number, account_number, filled_at_et,
                    {name} as id, length({name}) as width
                from {FILLS.name}_rows
                where {name} between '0' and ':' and try_cast({name} as hugeint) >= 0
            ),
            widths as (
                select width as usual_width, count(*) as ids_count,
                    bool_or(starts_with(id, '0')) as begins_with_zero
                from ids group by width
            ),
            usual as (
                select usual_width, (
                    select coalesce(bool_or(begins_with_zero), false) from widths
                ) as has_zeros
                from widths
                where ids_count >= {SHARE_OF_WIDTH} * (select count(*) from ids)
                    and ids_count >= {MINIMUM_IDS} and usual_width > 1
                    and (select max(usual_width) from widths) = usual_width
            ),
            ordered as (
                select *, max(width) over (
                    partition by account_number, cast(filled_at_et as date)
                    order by filled_at_et
                    range between unbounded preceding
                        and interval 1 microsecond preceding
                ) as width_before
                from ids
                where (select count(*) from usual) > 0
            )
            select origin_number, min(line_number), arg_min(id, line_number), count(*)
            from ordered, usual
            where width < usual_width and not starts_with(id, '0')
                and (has_zeros or width_before = usual_width)
            group by origin_number
            """
        ).fetchall()
        for number, line, cell, count in found:
            reason = SENTENCES[ReasonCode.LOST_ZEROS]
            if count > 1:
                reason += f", in {count:,} rows"
            parsed.tell(
                number,
                ReasonCode.LOST_ZEROS,
                reason,
                line=line,
                column=label,
                cell=cell,
            )
