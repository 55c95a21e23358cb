"""Splits, new symbols, mergers, expiries and opening lots, posted and unposted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingestion.pipeline import bring_up_to_date
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.transform.build import build_models
from tests import draws
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.exports import ExportedFill, Exports
from tests.oracle.conversions import Conversion
from tests.oracle.queues import gross_and_lots

ACTIONS = (
    "symbol,effective_date,action,ratio,new_symbol,cash_per_share,cost_share,note\n"
)
LOTS = "account_id,symbol,opened_date,quantity,price,note\n"
MODELS = (
    "+daily_totals +fct_fills +fct_lots +fct_round_trips +fct_open_positions "
    "stg_propreports__fill_fees"
)


def trade(
    account: str, day: str, side: str, quantity: float, symbol: str, price: float,
    status: str = "REGULAR",
) -> ExportedFill:  # fmt: skip
    """A fill of March 2025; `05 10:00` is the fifth at ten, `05` without a time."""
    at = datetime.fromisoformat(f"2025-03-{day}" + (" 00:00" if len(day) == 2 else ""))
    return ExportedFill(
        account, at, side, Decimal(str(quantity)), Decimal(str(price)), symbol=symbol,
        status=status, currency=currency_of(symbol),
    )  # fmt: skip


def currency_of(symbol: str) -> str:
    """As the ending says."""
    return "CAD" if symbol.endswith(".TO") else "USD"


@dataclass(frozen=True)
class Case:
    """What happened, what the desk says of it, and what each date then comes to."""

    fills: Sequence[tuple]
    gross: dict[str, float]
    held: dict[str, tuple[str, float, float]]
    actions: str = ""
    lots: str = ""


SPLIT = "{},2025-03-05,split,4:1,,,,\n"
CASES = {
    "posted_on_two_dates": Case(
        [
            ("03 10:00", "B", 100, "TW", 100),
            ("05", "S", 100, "TW", 100, "SPLIT"),
            ("06", "B", 400, "TW", 25, "SPLIT"),
            ("07 10:00", "S", 400, "TW", 26),
        ],
        {"07": 400},
        {"05": ("TW", 400, 25), "06": ("TW", 400, 25)},
        SPLIT.format("TW"),
    ),
    "posted_as_a_pair": Case(
        [
            ("03 10:00", "B", 100, "AA", 100),
            ("05", "S", 100, "AA", 100, "SPLIT"),
            ("05", "B", 400, "AA", 25, "SPLIT"),
            ("06 10:00", "S", 400, "AA", 26),
        ],
        {"06": 400},
        {"04": ("AA", 100, 100), "05": ("AA", 400, 25)},
    ),
    "posted_as_a_pair_with_a_line": Case(
        [
            ("03 10:00", "B", 100, "AB", 100),
            ("05", "S", 100, "AB", 104, "SPLIT"),
            ("05", "B", 400, "AB", 26, "SPLIT"),
            ("06 10:00", "S", 400, "AB", 26),
        ],
        {"06": 400},
        {"04": ("AB", 100, 100), "05": ("AB", 400, 25)},
        SPLIT.format("AB"),
    ),
    "reverse_split_of_a_short": Case(
        [
            ("03 10:00", "T", 400, "AC", 25),
            ("05", "C", 400, "AC", 25, "SPLIT"),
            ("05", "T", 100, "AC", 100, "SPLIT"),
            ("06 10:00", "C", 100, "AC", 99),
        ],
        {"06": 100},
        {"04": ("AC", -400, 25), "05": ("AC", -100, 100)},
        "AC,2025-03-05,split,1:4,,,,\n",
    ),
    "posted_as_free_shares": Case(
        [
            ("03 10:00", "B", 100, "AD", 100),
            ("05", "B", 300, "AD", 0, "SPLIT"),
            ("06 10:00", "S", 200, "AD", 26),
            ("07 10:00", "S", 200, "AD", 26),
        ],
        {"06": 200, "07": 200},
        {"04": ("AD", 100, 100), "05": ("AD", 400, 25), "06": ("AD", 200, 25)},
        SPLIT.format("AD"),
    ),
    "free_shares_after_a_pair": Case(
        [
            ("03 10:00", "B", 100, "PA", 100),
            ("05", "S", 100, "PA", 104, "SPLIT"),
            ("05", "B", 400, "PA", 26, "SPLIT"),
            ("12", "B", 400, "PA", 0, "SPLIT"),
            ("13 10:00", "S", 800, "PA", 13),
        ],
        {"13": 400},
        {"05": ("PA", 400, 25), "12": ("PA", 800, 12.5)},
        SPLIT.format("PA") + "PA,2025-03-12,split,2:1,,,,\n",
    ),
    "free_shares_taken_after_a_pair_of_a_short": Case(
        [
            ("03 10:00", "T", 100, "PS", 100),
            ("05", "C", 100, "PS", 104, "SPLIT"),
            ("06", "T", 400, "PS", 26, "SPLIT"),
            ("12", "B", 200, "PS", 0, "SPLIT"),
            ("13 10:00", "C", 200, "PS", 49),
        ],
        {"13": 200},
        {"06": ("PS", -400, 25), "12": ("PS", -200, 50)},
        SPLIT.format("PS") + "PS,2025-03-12,split,1:2,,,,\n",
    ),
    "free_shares_after_a_change_of_symbol": Case(
        [
            ("03 10:00", "B", 100, "PO", 10),
            ("05", "S", 100, "PO", 11, "JRNL"),
            ("05", "B", 100, "PN", 11, "JRNL"),
            ("12", "B", 100, "PN", 0, "SPLIT"),
            ("13 10:00", "S", 200, "PN", 6),
        ],
        {"13": 200},
        {"05": ("PN", 100, 10), "12": ("PN", 200, 5)},
        "PO,2025-03-05,symbol_change,1:1,PN,,,\nPN,2025-03-12,split,2:1,,,,\n",
    ),
    "free_shares_after_some_that_were_given": Case(
        [
            ("03 10:00", "B", 100, "PG", 10),
            ("04", "B", 20, "PG", 0, "JRNL"),
            ("12", "B", 120, "PG", 0, "SPLIT"),
            ("13 10:00", "S", 240, "PG", 6),
        ],
        {"13": 440},
        {"04": ("PG", 120, 8.333333), "12": ("PG", 240, 4.166667)},
        "PG,2025-03-12,split,2:1,,,,\n",
    ),
    "free_shares_of_what_was_spun_off_free": Case(
        [
            ("03 10:00", "B", 100, "PP", 10),
            ("05", "B", 50, "PQ", 0, "JRNL"),
            ("12", "B", 50, "PQ", 0, "SPLIT"),
            ("13 10:00", "S", 100, "PQ", 2),
            ("13 11:00", "S", 100, "PP", 9),
        ],
        {"13": 100},
        {"12 PP": ("PP", 100, 8), "12 PQ": ("PQ", 100, 2)},
        "PP,2025-03-05,spin_off,1:2,PQ,,0.2,\nPQ,2025-03-12,split,2:1,,,,\n",
    ),
    "given_besides_the_split": Case(
        [
            ("03 10:00", "B", 100, "GV", 100),
            ("05", "B", 300, "GV", 0, "SPLIT"),
            ("06", "B", 7, "GV", 0, "JRNL"),
            ("07 10:00", "S", 407, "GV", 26),
        ],
        {"07": 582},
        {"05": ("GV", 400, 25), "06": ("GV", 407, 24.570025)},
        SPLIT.format("GV"),
    ),
    "given_and_no_posting": Case(
        [
            ("03 10:00", "B", 100, "GW", 100),
            ("04", "B", 10, "GW", 0, "JRNL"),
            ("06 10:00", "S", 440, "GW", 26),
        ],
        {"06": 1440},
        {"04": ("GW", 110, 90.909091), "05": ("GW", 440, 22.727273)},
        SPLIT.format("GW"),
    ),
    "posted_days_later": Case(
        [
            ("03 10:00", "B", 100, "AE", 100),
            ("05 10:00", "S", 200, "AE", 26),
            ("07", "B", 300, "AE", 0, "SPLIT"),
            ("07 10:00", "S", 200, "AE", 26),
        ],
        {"05": 200, "07": 200},
        {"04": ("AE", 100, 100), "06": ("AE", 200, 25)},
        SPLIT.format("AE"),
    ),
    "posted_by_nobody": Case(
        [("03 10:00", "B", 100, "AF", 100), ("06 10:00", "S", 400, "AF", 26)],
        {"06": 400},
        {"04": ("AF", 100, 100), "05": ("AF", 400, 25)},
        SPLIT.format("AF"),
    ),
    "three_for_two_with_a_fraction": Case(
        [
            ("03 10:00", "B", 101, "AG", 30),
            ("05 10:00", "S", 100, "AG", 21),
            ("06 10:00", "S", 51.5, "AG", 21),
        ],
        {"05": 100, "06": 51.5},
        {"04": ("AG", 101, 30), "05": ("AG", 51.5, 20)},
        "AG,2025-03-05,split,3:2,,,,\n",
    ),
    "one_for_three": Case(
        [
            ("03 10:00", "B", 100, "AH", 1),
            ("05 10:00", "B", 200, "AH", 3),
            ("06 10:00", "S", 233.33333333, "AH", 4),
        ],
        {"06": 233.33},
        {"05": ("AH", 233.33333333, 3)},
        "AH,2025-03-05,split,1:3,,,,\n",
    ),
    "two_splits_of_one_share": Case(
        [
            ("03 10:00", "B", 10, "AI", 120),
            ("04 10:00", "B", 30, "AI", 40),
            ("06 10:00", "S", 20, "AI", 60),
            ("07 10:00", "S", 10, "AI", 10),
        ],
        {"06": -400, "07": -700},
        {"03": ("AI", 10, 120), "04": ("AI", 60, 40), "05": ("AI", 30, 80)},
        "AI,2025-03-04,split,3:1,,,,\nAI,2025-03-05,split,1:2,,,,\n",
    ),
    "new_symbol": Case(
        [("03 10:00", "B", 100, "OLD", 10), ("06 10:00", "S", 100, "NEW", 12)],
        {"06": 200},
        {"04": ("OLD", 100, 10), "05": ("NEW", 100, 10)},
        "OLD,2025-03-05,symbol_change,,NEW,,,\n",
    ),
    "new_symbol_posted": Case(
        [
            ("03 10:00", "B", 100, "OLE", 10),
            ("06", "S", 100, "OLE", 11, "JRNL"),
            ("06", "B", 100, "NEU", 11, "JRNL"),
            ("06 10:00", "S", 100, "NEU", 12),
        ],
        {"06": 200},
        {"04": ("OLE", 100, 10), "05": ("NEU", 100, 10)},
        "OLE,2025-03-05,symbol_change,,NEU,,,\n",
    ),
    "new_symbol_then_split_then_another": Case(
        [
            ("03 10:00", "B", 100, "ONE", 12),
            ("05 10:00", "B", 200, "TWO", 6),
            ("10 10:00", "S", 1200, "TRI", 3),
        ],
        {"10": 1200},
        {
            "03": ("ONE", 100, 12),
            "04": ("TWO", 100, 12),
            "05": ("TWO", 300, 8),
            "06": ("TWO", 600, 4),
            "07": ("TRI", 1200, 2),
        },
        "ONE,2025-03-04,symbol_change,,TWO,,,\nTWO,2025-03-06,split,2:1,,,,\n"
        "TWO,2025-03-07,symbol_change,2:1,TRI,,,\n",
    ),  # fmt: skip
    "merger_for_shares": Case(
        [("03 10:00", "T", 100, "TGT", 30), ("06 10:00", "C", 150, "ACQ", 18)],
        {"06": 300},
        {"04": ("TGT", -100, 30), "05": ("ACQ", -150, 20)},
        "TGT,2025-03-05,merger,3:2,ACQ,,,\n",
    ),
    "merger_for_cash": Case(
        [("03 10:00", "B", 100, "CSH", 30)],
        {"05": 450},
        {"04": ("CSH", 100, 30)},
        "CSH,2025-03-05,merger,,,34.5,,\n",
    ),
    "expiry_posted_by_nobody": Case(
        [
            ("03 10:00", "B", 2, "+XYZ 250307C10", 1.5),
            ("07 10:00", "S", 1, "+XYZ 250307C10", 0.5),
        ],
        {"07": -100 - 150},
        {"06": ("+XYZ 250307C10", 2, 1.5)},
        "+XYZ 250307C10,2025-03-07,expiry,,,,,\n",
    ),
    "expiry_posted_after_it": Case(
        [
            ("03 10:00", "T", 2, "+XYZ 250307P10", 1.5),
            ("10", "C", 2, "+XYZ 250307P10", 0, "EXP"),
        ],
        {"07": 300},
        {"06": ("+XYZ 250307P10", -2, 1.5)},
        "+XYZ 250307P10,2025-03-07,expiry,,,,,\n",
    ),
    "expiry_posted_without_a_line": Case(
        [
            ("03 10:00", "T", 2, "+XYZ 250307P11", 1.5),
            ("07", "C", 2, "+XYZ 250307P11", 0, "EXP"),
        ],
        {"07": 300},
        {"06": ("+XYZ 250307P11", -2, 1.5)},
    ),
    "position_older_than_the_history": Case(
        [("03 10:00", "S", 100, "OLDER", 12)],
        {"03": 200},
        {},
        lots="{},OLDER,2024-06-03,100,10,\n",
    ),
    "older_lots_oldest_first": Case(
        [("03 10:00", "C", 150, "OLDS", 9), ("05 10:00", "C", 100, "OLDS", 5)],
        {"03": 250},
        {"03": ("OLDS", -50, 10), "04": ("OLDS", -100, 5)},
        "OLDS,2025-03-04,split,2:1,,,,\n",
        "{},OLDS,2024-06-04,-100,10,\n{},OLDS,2024-06-03,-100,11,\n",
    ),
    "spin_off_posted_by_nobody": Case(
        [
            ("03 10:00", "B", 100, "PAA", 50),
            ("06 10:00", "S", 100, "PAA", 45),
            ("06 10:00", "S", 50, "SPA", 18),
        ],
        {"06": 500 - 100},
        {"04": ("PAA", 100, 50), "05 PAA": ("PAA", 100, 40), "05 SPA": ("SPA", 50, 20)},
        "PAA,2025-03-05,spin_off,1:2,SPA,,0.2,\n",
    ),
    "spin_off_in_another_account": Case(
        [("04 10:00", "B", 10, "PAA", 60), ("06 10:00", "S", 10, "PAA", 45)],
        {"06": -30},
        {"05 PAA": ("PAA", 10, 48), "05 SPA": ("SPA", 5, 24), "06": ("SPA", 5, 24)},
    ),
    "bought_after_the_spin_off": Case(
        [("05 10:00", "B", 10, "PAA", 40), ("06 10:00", "S", 4, "PAA", 45)],
        {"06": 20},
        {"05": ("PAA", 10, 40), "06": ("PAA", 6, 40)},
    ),
    "spin_off_of_a_short_partly_closed": Case(
        [
            ("03 10:00", "T", 100, "PAB", 50),
            ("04 10:00", "C", 40, "PAB", 48),
            ("06 10:00", "C", 30, "PAB", 41),
            ("06 10:00", "C", 30, "SPB", 15),
        ],
        {"04": 80, "06": -30 + 150},
        {
            "04": ("PAB", -60, 50),
            "05 PAB": ("PAB", -60, 40),
            "05 SPB": ("SPB", -30, 20),
            "06": ("PAB", -30, 40),
        },
        "PAB,2025-03-05,spin_off,1:2,SPB,,0.2,\n",
    ),
    "spin_off_of_two_lots": Case(
        [
            ("03 10:00", "B", 100, "PAC", 10),
            ("04 10:00", "B", 100, "PAC", 20),
            # Of an unknown time: after the spin-off all the same.
            ("05", "S", 150, "PAC", 12),
            ("06 10:00", "S", 100, "SPC", 8),
        ],
        {"05": 700 + 100, "06": 300},
        {
            "05 PAC": ("PAC", 50, 10),
            "05 SPC": ("SPC", 200, 7.5),
            "06 SPC": ("SPC", 100, 10),
        },
        "PAC,2025-03-05,spin_off,1:1,SPC,,0.5,\n",
    ),
    "spin_off_posted": Case(
        [
            ("03 10:00", "B", 100, "PAD", 50),
            ("05 10:00", "S", 50, "SPD", 18),
            ("06", "S", 100, "PAD", 50, "JRNL"),
            ("06", "B", 100, "PAD", 41, "JRNL"),
            ("06", "B", 50, "SPD", 18, "JRNL"),
            ("07 10:00", "S", 100, "PAD", 45),
        ],
        {"05": -100, "07": 500},
        {"05": ("PAD", 100, 40), "06": ("PAD", 100, 40)},
        "PAD,2025-03-05,spin_off,1:2,SPD,,0.2,\n",
    ),
    "spin_off_posted_as_free_shares": Case(
        [
            ("03 10:00", "T", 101, "PAE", 50),
            ("05", "T", 50, "SPE", 0, "JRNL"),
            ("06 10:00", "C", 50, "SPE", 22),
        ],
        {"06": -100},
        {"05 PAE": ("PAE", -101, 40), "06 SPE": ("SPE", -0.5, 20)},
        "PAE,2025-03-05,spin_off,1:2,SPE,,0.2,\n",
    ),
    "spin_off_and_another_journal": Case(
        [
            ("03 10:00", "B", 100, "PAG", 50),
            ("05", "B", 7, "SPG", 1, "JRNL"),
            ("06 10:00", "S", 57, "SPG", 22),
        ],
        {"06": 50 * 2 + 7 * 21},
        {"05 SPG": ("SPG", 57, 17.666667)},
        "PAG,2025-03-05,spin_off,1:2,SPG,,0.2,\n",
    ),
    "spin_off_on_a_weekend": Case(
        [
            ("07 10:00", "B", 100, "PAF", 50),
            ("10 10:00", "S", 100, "PAF", 44),
            ("10 10:00", "S", 50, "SPF", 21),
        ],
        {"10": 400 + 50},
        {"07": ("PAF", 100, 50)},
        "PAF,2025-03-08,spin_off,1:2,SPF,,0.2,\n",
    ),
    "spin_off_of_a_split_share": Case(
        [
            ("03 10:00", "B", 100, "UA", 100),
            ("06 10:00", "S", 400, "UA", 20),
            ("07 10:00", "S", 200, "UB", 10),
        ],
        {"06": 500, "07": -500},
        {
            "04": ("UA", 400, 25),
            "05 UA": ("UA", 400, 18.75),
            "05 UB": ("UB", 100, 25),
            "06": ("UB", 200, 12.5),
        },
        "UA,2025-03-04,split,4:1,,,,\nUA,2025-03-05,spin_off,1:4,UB,,0.25,\n"
        "UB,2025-03-06,split,2:1,,,,\n",
    ),
    "one_after_the_other": Case(
        [("03 10:00", "B", 100, "RA", 100), ("10 10:00", "S", 150, "RC", 50)],
        {"10": 2000 + 500},
        {
            "04 RA": ("RA", 100, 60),
            "04 RB": ("RB", 100, 40),
            "05 RB": ("RB", 200, 20),
            "06 RA": ("RA", 100, 30),
            "06 RC": ("RC", 100, 30),
            "07 RC": ("RC", 200, 35),
            "10 RC": ("RC", 50, 40),
        },
        "RA,2025-03-04,spin_off,1:1,RB,,0.4,\nRB,2025-03-05,split,2:1,,,,\n"
        "RA,2025-03-06,spin_off,1:1,RC,,0.5,\nRB,2025-03-07,merger,1:2,RC,,,\n",
    ),
    "merger_for_shares_and_cash": Case(
        [("03 10:00", "B", 100, "TGA", 30), ("07 10:00", "S", 50, "ACA", 40)],
        {"05": 300, "07": 200},
        {"04": ("TGA", 100, 30), "05": ("ACA", 50, 36)},
        "TGA,2025-03-05,merger,1:2,ACA,15,0.6,\n",
    ),
    "merger_for_shares_and_cash_of_a_short_posted": Case(
        [
            ("03 10:00", "T", 100, "TGB", 30),
            ("06", "C", 100, "TGB", 33, "JRNL"),
            ("06", "T", 50, "ACB", 36, "JRNL"),
            ("07 10:00", "C", 20, "ACB", 40),
        ],
        {"05": -300, "07": -80},
        {"05": ("ACB", -50, 36), "07": ("ACB", -30, 36)},
        "TGB,2025-03-05,merger,1:2,ACB,15,0.6,\n",
    ),
    "merger_into_a_symbol_bought_later": Case(
        [
            ("03 10:00", "B", 100, "FRA", 10),
            ("04 10:00", "B", 100, "INA", 30),
            ("06 10:00", "S", 250, "INA", 20),
        ],
        {"06": 3000 - 500},
        {"05": ("INA", 300, 13.333333), "06": ("INA", 50, 30)},
        "FRA,2025-03-05,merger,2:1,INA,,,\n",
    ),
    "merger_into_a_symbol_bought_before": Case(
        [
            ("03 10:00", "B", 100, "INB", 30),
            ("04 10:00", "B", 100, "FRB", 10),
            ("06 10:00", "S", 250, "INB", 20),
        ],
        {"06": -1000 + 2250},
        {"05": ("INB", 300, 13.333333), "06": ("INB", 50, 5)},
        "FRB,2025-03-05,merger,2:1,INB,,,\n",
    ),
    "new_symbol_that_is_short_already": Case(
        [("03 10:00", "B", 100, "FRC", 10), ("04 10:00", "T", 60, "INC", 14)],
        {"05": 240},
        {"05": ("INC", 40, 10)},
        "FRC,2025-03-05,symbol_change,,INC,,,\n",
    ),
    "old_symbol_bought_after_it": Case(
        [
            ("04 10:00", "B", 10, "INE", 5),
            ("06 10:00", "B", 10, "FRE", 3),
            ("07 10:00", "S", 10, "INE", 6),
        ],
        {"07": 10},
        {"06 INE": ("INE", 10, 5), "07": ("FRE", 10, 3)},
        "FRE,2025-03-05,symbol_change,,INE,,,\n",
    ),
    "new_symbol_held_and_sold_before": Case(
        [
            ("03 10:00", "B", 10, "IND", 5),
            ("03 10:00", "B", 100, "FRD", 10),
            ("04 10:00", "S", 10, "IND", 6),
            ("06 10:00", "S", 100, "IND", 12),
        ],
        {"04": 10, "06": 200},
        {"05": ("IND", 100, 10)},
        "FRD,2025-03-05,symbol_change,,IND,,,\n",
    ),
    "two_symbols_that_become_one": Case(
        [
            ("03 10:00", "B", 100, "TWB", 20),
            ("04 10:00", "B", 100, "TWA", 10),
            ("06 10:00", "S", 100, "ONN", 25),
        ],
        {"06": 500},
        {"05": ("ONN", 200, 15), "06": ("ONN", 100, 10)},
        "TWA,2025-03-05,symbol_change,,ONN,,,\nTWB,2025-03-05,symbol_change,,ONN,,,\n",
    ),
    "merger_of_lots_older_than_the_history": Case(
        [("03 10:00", "B", 1, "ELS", 1), ("06 10:00", "S", 100, "INO", 15)],
        {"06": 500},
        {"05 INO": ("INO", 200, 15), "06 INO": ("INO", 100, 20)},
        "OPA,2025-03-05,merger,1:1,INO,,,\n",
        "{},OPA,2024-06-03,100,10,\n{},INO,2024-06-05,100,20,\n",
    ),
}


def account_of(case: str) -> str:
    """Each case has an account of its own."""
    return f"Z{list(CASES).index(case):02d}"


def write_actions(desk: Path) -> Path:
    """The desk's lines of every case."""
    desk.mkdir()
    lots = "".join(
        case.lots.replace("{}", account_of(name)) for name, case in CASES.items()
    )
    lines = "".join(case.actions for case in CASES.values())
    (desk / "corporate_actions.csv").write_text(ACTIONS + lines)
    (desk / "opening_lots.csv").write_text(LOTS + lots)
    return desk


def fills_of_actions() -> list[ExportedFill]:
    """Every case an account of its own, and a desk that trades on until the 14th."""
    return [
        *(
            trade(account_of(name), *fill)
            for name, case in CASES.items()
            for fill in case.fills
        ),
        trade("ZZZ", "14 10:00", "B", 1, "END", 1),
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Every case."""
    folder = tmp_path_factory.mktemp("actions")
    desk = write_actions(folder / "desk")
    exports = Exports(folder / "exports").write(fills_of_actions())
    return build_warehouse(folder / "home", exports.folder, models=MODELS, desk=desk)


@pytest.mark.parametrize("name", CASES)
def test_pnl_and_positions_of_a_case(home: Home, name: str) -> None:
    assert_comes_to(home, name)


def assert_comes_to(home: Home, name: str) -> None:
    """Each date of a case has its P&L and position."""
    case, account = CASES[name], account_of(name)
    found = rows(
        home,
        "select right(cast(trade_date as varchar), 2), gross_pnl "
        f"from marts.daily_totals where account_id = '{account}' and gross_pnl <> 0",
    )
    assert {day: round(float(gross), 2) for day, gross in found} == case.gross
    held = rows(
        home,
        "select right(cast(trade_date as varchar), 2), symbol, position_quantity, "
        f"average_price from marts.fct_open_positions where account_id = '{account}' "
        "order by all",
    )
    by_day = {
        key: (symbol, float(quantity), round(price, 6))
        for day, symbol, quantity, price in held
        for key in (day, f"{day} {symbol}")
    }
    assert {day: by_day.get(day) for day in case.held} == case.held


def test_trips_and_lots_close_as_the_position_does(home: Home) -> None:
    found = rows(
        home,
        "select account_id, is_closed, cast(closed_date as varchar), peak_quantity, "
        "round(average_entry_price, 6), round(gross_pnl, 4) "
        "from marts.fct_round_trips order by all",
    )
    by_account = {who: rest for who, *rest in found}
    assert by_account[account_of("posted_as_free_shares")] == [
        True, "2025-03-07", 400, 25, 400,
    ]  # fmt: skip
    assert by_account[account_of("expiry_posted_by_nobody")] == [
        True, "2025-03-07", 2, 1.5, -250,
    ]  # fmt: skip
    assert by_account[account_of("merger_for_cash")][:2] == [True, "2025-03-05"]
    assert rows(
        home,
        "select symbol, signed_quantity, opening_price, closing_price, gross_pnl "
        f"from marts.fct_lots where account_id = '{account_of('posted_by_nobody')}'",
    ) == [("AF", 400, 25, 26, 400)]


def test_what_was_posted_stays_visible_and_moves_nothing(home: Home) -> None:
    ids = [account_of(name) for name in ("posted_as_a_pair", "posted_days_later")]
    assert rows(
        home,
        "select account_id, is_corporate_action, count(*) from marts.fct_fills "
        f"where account_id in ('{ids[0]}', '{ids[1]}') and not is_regular "
        "group by all order by all",
    ) == [(ids[0], False, 2), (ids[1], True, 1)]


# Of another account: what has no exchange rate makes its sums unknown.
REFUSED_FILLS = [
    trade("A2", *fill)
    for fill in (
        ("03 10:00", "B", 100, "OUT.TO", 10),
        ("06 10:00", "T", 40, "OUTU", 12),
        ("03 10:00", "B", 100, "PARENT", 10),
        ("03 10:00", "B", 100, "STAYS.TO", 10),
        ("03 10:00", "B", 64, "MANY", 32),
        ("10", "S", 64, "MANY", 2, "JRNL"),
        ("10", "B", 64, "MANY", 1, "JRNL"),
        ("10", "B", 64, "MANY5", 1, "JRNL"),
    )
]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """What nobody has told, and what a desk has told wrongly."""
    folder = tmp_path_factory.mktemp("wrong")
    desk = folder / "desk"
    desk.mkdir()
    (desk / "corporate_actions.csv").write_text(
        ACTIONS
        + "KEPT,2025-03-05,split,0:1,,,,\n"
        + "KEPT,2025-03-05,reverse,1:4,,,,\n"
        + "TOLD,2025-03-05,split,1:1,,,,\n"
        + "NEVER,2025-03-05,split,4:1,,,,\n"
        + "NEVER,2025-03-05,symbol_change,,NEW,,,\n"
        + "FLAT,2025-03-06,split,2:1,,,,\n"
        + "FROM,2025-03-05,merger,1:1,INTO,,,\n"
        + "COMES,2025-04-05,split,2:1,,,,\n"
        # What Toronto quotes is no share in dollars.
        + "OUT.TO,2025-03-05,symbol_change,,OUTU,,,\n"
        + "PARENT,2025-03-05,spin_off,1:2,CHILD.TO,,0.2,\n"
        + "STAYS.TO,2025-03-05,merger,1:1,STAYS.CN,,,\n"
        + "".join(
            f"MANY,2025-03-{day},spin_off,1:1,MANY{number},,0.5,\n"
            for number, day in enumerate(("04", "05", "06", "07", "10"), start=1)
        )
    )
    (desk / "opening_lots.csv").write_text(
        LOTS
        + "A9,KEPT,2024-03-05,100,10,\n"
        + "A1,KEPT,2025-03-03,100,10,\n"
        + "A1,KEPT,2024-03-05,0,10,\n"
        + "A1,KEPT,2024-03-05,1,-3,\n"
    )
    fills = [
        trade("A1", *fill)
        for fill in (
            ("03 10:00", "B", 100, "KEPT", 100),
            ("05 10:00", "S", 100, "KEPT", 101),
            ("03 10:00", "B", 100, "SUSP", 100),
            ("06 10:00", "S", 400, "SUSP", 26),
            ("03 10:00", "B", 100, "TOLD", 100),
            ("06 10:00", "S", 100, "TOLD", 50),
            ("03 10:00", "B", 100, "FREE", 90),
            ("05", "B", 50, "FREE", 0, "SPLIT"),
            ("03 10:00", "B", 100, "PAIR", 100),
            ("05", "S", 100, "PAIR", 100, "SPLIT"),
            ("05", "B", 400, "PAIR", 25, "SPLIT"),
            ("03 10:00", "B", 1, "FLAT", 100),
            ("05 10:00", "S", 1, "FLAT", 100),
            ("03 10:00", "B", 10, "FROM", 100),
            ("03 10:00", "B", 10, "INTO", 100),
            ("14 10:00", "B", 1, "END", 1),
        )
    ]
    exports = Exports(folder / "exports").write([*fills, *REFUSED_FILLS])
    return build_warehouse(
        folder / "home", exports.folder, models=f"{MODELS} +data_quality", desk=desk
    )


def told(home: Home, check_name: str) -> tuple[int, list[str]]:
    """How much a check found, and what it names."""
    ((count, finding, is_alarm),) = rows(
        home,
        "select found_count, finding, needs_attention from marts.data_quality "
        f"where check_name = '{check_name}'",
    )
    assert is_alarm
    return count, (finding or "").partition(": ")[2].split("; ")


def test_a_wrong_line_counts_for_nothing_and_is_an_alarm(wrong: Home) -> None:
    assert told(wrong, "refused_desk_lines") == (
        5,
        [
            "corporate_actions.csv, line 2, column ratio: '0:1' is not new shares to "
            "old ones, such as 4:1, 1:10 or 3:2",
            "corporate_actions.csv, line 3, column action: 'reverse' is not one of "
            "split, symbol_change, merger, spin_off, expiry",
            "corporate_actions.csv, line 6 is about the same as line 5 (symbol, "
            "effective_date), which counts. Delete one of them",
            "opening_lots.csv, line 4, column quantity: '0' is no number of shares "
            "(below 0 if short)",
            "opening_lots.csv, line 5, column price: '-3' is not a number above 0",
        ],
    )
    assert rows(
        wrong,
        "select gross_pnl from marts.daily_totals where account_id = 'A1' "
        "and trade_date = '2025-03-05'",
    ) == [(100,)]


REFUSED = {
    "A,2025-03-05,spin_off,,B,,0.2,": "a spin_off needs its ratio",
    "A,2025-03-05,spin_off,0:1,B,,0.2,": "column ratio: '0:1' is not new shares to old "
    "ones, such as 4:1, 1:10 or 3:2",
    "A,2025-03-05,spin_off,1:2,,,0.2,": "a spin_off needs its new_symbol",
    "A,2025-03-05,spin_off,1:2,B,,,": "a spin_off needs its cost_share",
    "A,2025-03-05,spin_off,1:2,B,,1.2,": "column cost_share: '1.2' is not a part from "
    "0 to 1, such as 0.25",
    "A,2025-03-05,spin_off,1:2,B,,20%,": "column cost_share: '20%' is not a number, "
    "such as 2500 or 0.5",
    "A,2025-03-05,spin_off,1:2,B,3,0.2,": "a line of action spin_off has no "
    "cash_per_share",
    "A,2025-03-05,split,1:2,,,0.2,": "a line of action split has no cost_share",
    "A,2025-03-05,merger,1:2,B,3,,": "new_symbol and ratio and cash_per_share",
    "A,2025-03-05,merger,1:2,B,,0.2,": "new_symbol and ratio and cost_share",
    "A,2025-03-05,merger,,B,3,0.2,": "new_symbol and cash_per_share and cost_share",
    "A,2025-03-05,merger,,,,,": "this line has neither",
}


def test_each_wrong_line_is_told_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "corporate_actions.csv").write_text(
        ACTIONS + "".join(f"S{line}\n" for line in REFUSED)
    )
    home = bring_up_to_date(
        make_settings(
            source="files", risk_home=tmp_path / "home", desk=tmp_path,
            exports=Exports(tmp_path / "exports")
            .write([trade("A1", "03 10:00", "B", 1, "ABC", 1)]).folder,
        )
    ).home  # fmt: skip
    found = rows(
        home,
        "select line_number, refused_for from raw.desk_corporate_actions order by all",
    )
    assert [number for number, _ in found] == list(range(2, 2 + len(REFUSED)))
    for (number, said), reason in zip(found, REFUSED.values(), strict=True):
        assert said.startswith(f"line {number}"), said
        assert said.endswith(f"{reason}. Fix it."), said


def test_a_split_that_nobody_told_is_an_alarm_with_the_line_to_add(wrong: Home) -> None:
    assert told(wrong, "suspected_split") == (
        2, ["SUSP,2025-03-06,split,4:1,,,,", "FREE,2025-03-05,split,150:100,,,,"],
    )  # fmt: skip


def test_lines_that_meet_nothing_are_an_alarm(wrong: Home) -> None:
    assert told(wrong, "unused_corporate_actions") == (
        5,
        [
            "line 5, NEVER of 2025-03-05: no account held it then",
            "line 7, FLAT of 2025-03-06: no account held it then",
            "line 10, OUT.TO of 2025-03-05: it is in CAD and OUTU in USD, so let the "
            "broker post the rows and delete the line",
            "line 11, PARENT of 2025-03-05: it is in USD and CHILD.TO in CAD, so let "
            "the broker post the rows and delete the line",
            "line 17, MANY of 2025-03-10: more than 4 actions convert these lots, so "
            "let the broker post the rows and delete the line",
        ],
    )
    assert told(wrong, "unused_opening_lots") == (
        2,
        [
            "line 2, KEPT of A9, an account without any fill",
            "line 3, KEPT of A1, opened on 2025-03-03, and the account's fills begin "
            "on 2025-03-03",
        ],
    )


def test_what_is_not_worked_out_moves_nothing_and_what_was_posted_counts(
    wrong: Home,
) -> None:
    assert rows(
        wrong,
        "select symbol, position_quantity, average_price from marts.fct_open_positions "
        "where account_id = 'A2' and trade_date = '2025-03-13' order by all",
    ) == [
        ("MANY", 64, 1), ("MANY1", 64, 16), ("MANY2", 64, 8),
        ("MANY3", 64, 4), ("MANY4", 64, 2), ("MANY5", 64, 1), ("OUT.TO", 100, 10),
        ("OUTU", -40, 12), ("PARENT", 100, 10), ("STAYS.CN", 100, 10),
    ]  # fmt: skip


RATIOS = [(2, 1), (3, 1), (4, 1), (5, 1), (10, 1), (3, 2), (1, 2), (1, 3), (1, 10)]
POSTINGS = ("pair", "free", "none")
SESSIONS = sessions_between(date(2025, 3, 3), date(2025, 4, 4))


@dataclass(frozen=True)
class Split:
    """A split, and how the broker posts it: a pair, free shares, or nothing."""

    day: date
    new: int
    old: int
    posting: str


@dataclass(frozen=True)
class History:
    """Trades in shares as they are after the last split, which is one unit for all."""

    trades: list[tuple[date, int, int]]
    splits: list[Split]

    def shares(self, day: date) -> Fraction:
        """Last shares that one of a date is."""
        later = [Fraction(x.new, x.old) for x in self.splits if x.day > day]
        return math.prod(later, start=Fraction(1))

    def fills(self, account: str, symbol: str) -> Iterator[ExportedFill]:
        """As the broker lists them: in the shares of each date, with its postings."""
        for number, (day, quantity, price) in enumerate(self.trades):
            shares = self.shares(day)
            at = datetime.combine(day, time(10, number % 60))
            yield as_exported(account, at, quantity / shares, price * shares, symbol)
        for split in self.splits:
            held = sum(q for day, q, _ in self.trades if day < split.day)
            after = held / self.shares(split.day)
            before = after * split.old / split.new
            rows = {
                "pair": [(-before, 7), (after, 3)], "free": [(after - before, 0)],
            }.get(split.posting, []) if held else []  # fmt: skip
            for quantity, price in rows:
                at = datetime.combine(split.day, time())
                yield as_exported(account, at, quantity, price, symbol, "SPLIT")


def as_exported(
    account: str, at: datetime, quantity: Fraction, price: Fraction, symbol: str,
    status: str = "REGULAR",
) -> ExportedFill:  # fmt: skip
    """A row in exact figures."""
    amounts = [
        Decimal(Fraction(x).numerator) / Decimal(Fraction(x).denominator)
        for x in (abs(quantity), price)
    ]
    return ExportedFill(
        account, at, "B" if quantity > 0 else "S", *amounts, symbol=symbol,
        status=status,
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Trades and splits whose quantities and prices are whole in shares of any date."""
    days = sorted(
        draw(st.sets(st.sampled_from(SESSIONS[1:-1]), min_size=1, max_size=3))
    )
    splits = [
        Split(day, *draw(st.sampled_from(RATIOS)), draw(st.sampled_from(POSTINGS)))
        for day in days
    ]
    lot, tick = math.prod(x.new for x in splits), math.prod(x.old for x in splits)
    size = st.integers(-9, 9).filter(bool)
    traded = st.lists(st.sampled_from(SESSIONS), min_size=2, max_size=12)
    return History(
        [
            (day, lot * draw(size), tick * draw(st.integers(1, 50)))
            for day in sorted(draw(traded))
        ],
        splits,
    )


@pytest.mark.long
@settings(
    max_examples=12 if draws.is_long else 1, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate],
)  # fmt: skip
@given(firm=st.lists(histories(), min_size=30, max_size=30))
def test_a_split_changes_no_days_pnl(
    tmp_path_factory: pytest.TempPathFactory, firm: list[History]
) -> None:
    """The same history in one unit, without a split, has the same dollars each day."""
    folder = tmp_path_factory.mktemp("same_dollars")
    desk = folder / "desk"
    desk.mkdir()
    fills, lines = [], []
    for number, history in enumerate(firm):
        fills += history.fills(f"S{number:02d}", f"SYM{number}")
        fills += replace(history, splits=[]).fills(f"T{number:02d}", f"TWIN{number}")
        lines += [
            f"SYM{number},{x.day},split,{x.new}:{x.old},,,,\n" for x in history.splits
        ]
    (desk / "corporate_actions.csv").write_text(ACTIONS + "".join(lines))
    exports = Exports(folder / "exports").write(fills)
    home = build_warehouse(
        folder / "home", exports.folder, models="+daily_totals +fct_round_trips",
        desk=desk,
    )  # fmt: skip
    split, twin = (
        {
            (account[1:], str(day)): money
            for account, day, *money in rows(
                home,
                "select account_id, trade_date, round(gross_pnl, 4), fills_count "
                f"from marts.daily_totals where account_id like '{letter}%' "
                # A posting makes a day of its own, on which nothing happens.
                "and (gross_pnl <> 0 or fills_count > 0)",
            )
        }
        for letter in "ST"
    )
    assert split == twin
    trips, twins = (
        rows(
            home,
            "select substr(account_id, 2), is_closed, "
            "round(coalesce(gross_pnl, 0), 2), opened_date, closed_date "
            "from marts.fct_round_trips "
            f"where account_id like '{letter}%' order by all",
        )
        for letter in "ST"
    )
    assert trips == twins


# Action, cash per share, and whether it has a cost share.
KINDS = (
    ("spin_off", None, True), ("merger", 5, True), ("merger", None, False),
    ("symbol_change", None, False),
)  # fmt: skip


ENDINGS = ("A", "B", "C", "D.TO")


@st.composite
def conversions(draw: st.DrawFn, name: str) -> list[Conversion]:
    """Up to four actions among four symbols, one of another currency, one a day."""
    found = []
    for day in sorted(
        draw(st.sets(st.sampled_from(SESSIONS[1:-1]), min_size=1, max_size=4))
    ):
        action, cash, has_share = draw(st.sampled_from(KINDS))
        symbol, new_symbol = draw(st.permutations([f"{name}{x}" for x in ENDINGS]))[:2]
        new, old = draw(st.sampled_from([(1, 1), (1, 2), (2, 1), (5, 1), (5, 2)]))
        found.append(
            Conversion(
                day, action, symbol, new_symbol,
                *((1, 1) if action == "symbol_change" else (new, old)),
                None if cash is None else Decimal(cash),
                Decimal(draw(st.integers(0, 10))) / 10 if has_share else None,
            )
        )  # fmt: skip
    return found


@st.composite
def firms(draw: st.DrawFn) -> tuple[list[ExportedFill], list[Conversion]]:
    """Ten groups of symbols, each traded by two accounts, with actions of its own."""
    fills, actions = [], []
    for group in range(10):
        actions += draw(conversions(f"G{group}"))
        for account in (f"X{group}", f"Y{group}"):
            for number in range(draw(st.integers(2, 14))):
                day = draw(st.sampled_from(SESSIONS))
                symbol = f"G{group}{draw(st.sampled_from(ENDINGS))}"
                fills.append(
                    ExportedFill(
                        account,
                        datetime.combine(day, time(10, number)),
                        draw(st.sampled_from("BS")),
                        Decimal(20 * draw(st.integers(1, 9))),
                        Decimal(draw(st.integers(1, 50))),
                        symbol=symbol,
                        currency=currency_of(symbol),
                    )
                )
    return fills, actions


def line_of(one: Conversion) -> str:
    """As the desk writes it."""
    ratio = "" if one.action == "symbol_change" else f"{one.new}:{one.old}"
    terms = ("" if x is None else x for x in (one.cash, one.cost_share))
    cells = one.symbol, one.session, one.action, ratio, one.new_symbol, *terms, ""
    return ",".join(map(str, cells)) + "\n"


@settings(
    max_examples=12 if draws.is_long else 1, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate],
)  # fmt: skip
@given(firm=firms())
def test_lots_are_converted_as_one_walks_through_them(
    tmp_path_factory: pytest.TempPathFactory,
    firm: tuple[list[ExportedFill], list[Conversion]],
) -> None:
    """Each day's gross, and what is held at the end and at which cost."""
    fills, actions = firm
    folder = tmp_path_factory.mktemp("converted")
    (folder / "desk").mkdir()
    (folder / "desk" / "corporate_actions.csv").write_text(
        ACTIONS + "".join(map(line_of, actions))
    )
    # Worth a dollar, and yet no dollar: what lies between the two counts for nothing.
    (folder / "desk" / "exchange_rates.csv").write_text(
        "rate_date,currency,rate,note\n2025-01-02,CAD,1,\n"
    )
    actions = [
        one
        for one in actions
        if one.symbol.endswith(".TO") == one.new_symbol.endswith(".TO")
    ]
    last = datetime.combine(SESSIONS[-1], time(15))
    end = ExportedFill("ZZZ", last, "B", Decimal(1), Decimal(1), symbol="END")
    exports = Exports(folder / "exports").write([*fills, end])
    home = build_warehouse(
        folder / "home", exports.folder, desk=folder / "desk",
        models="+daily_totals +fct_open_positions +fct_round_trips",
    )  # fmt: skip
    gross, lots = gross_and_lots(fills, actions)
    found = rows(
        home,
        "select account_id, trade_date, gross_pnl from marts.daily_totals "
        "where abs(gross_pnl) > 0.001 and account_id <> 'ZZZ'",
    )
    assert {(who, day): round(money, 2) for who, day, money in found} == {
        key: round(money, 2) for key, money in gross.items() if abs(money) > 0.001
    }
    held = rows(
        home,
        "select account_id, symbol, position_quantity, open_cost "
        "from marts.fct_open_positions where trade_date = ? and account_id <> 'ZZZ'"
        .replace("?", f"'{SESSIONS[-1]}'"),
    )  # fmt: skip
    assert {
        (who, symbol): (round(quantity, 4), round(cost, 2))
        for who, symbol, quantity, cost in held
        if abs(quantity) > 1e-6
    } == {
        key: (
            round(sum(lot.quantity for lot in queue), 4),
            round(sum(lot.quantity * lot.price for lot in queue), 2),
        )
        for key, queue in lots.items()
        if sum(lot.quantity for lot in queue)
    }
    # Flat to flat, trips and days come to the same.
    assert (
        rows(
            home,
            "select account_id from marts.daily_totals group by account_id "
            "having account_id not in (select account_id from marts.fct_round_trips "
            "where not is_closed) and abs(sum(gross_pnl) - (select sum(gross_pnl) "
            "from marts.fct_round_trips as trips "
            "where trips.account_id = daily_totals.account_id)) > 0.01",
        )
        == []
    )


@pytest.mark.long
def test_a_posting_on_two_dates_is_built_on_what_was_built_before(
    tmp_path: Path,
) -> None:
    """The first leg alone is no posting yet; a plain dbt user's build."""
    name = "posted_on_two_dates"
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "corporate_actions.csv").write_text(ACTIONS + CASES[name].actions)
    fills = [trade(account_of(name), *fill) for fill in CASES[name].fills]
    fills += [trade("ZZZ", f"{day} 10:00", "B", 1, "END", 1) for day in ("05", "14")]
    exports = Exports(tmp_path / "exports")
    for last in (5, 14):
        exports.write(one for one in fills if one.at.day <= last)
        home = build_warehouse(
            tmp_path / "home", exports.folder, models=MODELS, desk=desk
        )
    assert_comes_to(home, name)


@pytest.mark.long
@pytest.mark.parametrize("names", [("posted_on_two_dates",), tuple(CASES)], ids=len)
def test_a_new_day_is_built_on_what_was_built_before(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Mornings one after the other come to what one build of everything comes to.

    A line that takes effect builds everything: among all cases one does each morning.
    """
    desk = tmp_path / "desk"
    desk.mkdir()
    cases = {name: CASES[name] for name in names}
    lines = "".join(case.actions for case in cases.values())
    (desk / "corporate_actions.csv").write_text(ACTIONS + lines)
    fills = [
        trade(account_of(name), *fill)
        for name, case in cases.items()
        for fill in case.fills
    ]
    fills += [trade("ZZZ", f"{day} 10:00", "B", 1, "END", 1) for day in ("05", "14")]
    exports = Exports(tmp_path / "exports")
    tables = ("daily_totals", "fct_lots", "fct_round_trips", "fct_open_positions")
    found = []
    # Of a pair on two dates the first leg alone is no posting yet.
    for mornings in ((5, 6, 7, 14), (14,)):
        home = Home(tmp_path / f"home{len(mornings)}")
        for last in mornings:
            exports.write(one for one in fills if one.at.day <= last)
            chosen = make_settings(
                source="files", exports=exports.folder, risk_home=home.root, desk=desk
            )
            bring_up_to_date(chosen)
            build_models(chosen, home, "--exclude-resource-type", "test")
        found.append([rows(home, f"from marts.{x} order by all") for x in tables])
    assert found[0] == found[1]


@pytest.mark.long
def test_a_late_fill_of_an_old_symbol_moves_what_was_built(tmp_path: Path) -> None:
    """NEW was held by itself until the fill in OLD came: two of it are one OLD."""
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "corporate_actions.csv").write_text(
        ACTIONS + "OLD,2025-03-05,symbol_change,2:1,NEW,,,\n"
    )
    late = trade("A1", "03 10:00", "B", 100, "OLD", 10)
    known = [
        trade("A1", "04 10:00", "B", 5, "NEW", 1),
        trade("A1", "10 10:00", "S", 200, "NEW", 6),
        trade("A1", "14 10:00", "B", 1, "END", 1),
    ]
    exports = Exports(tmp_path / "exports")
    home = Home(tmp_path / "home")
    for fills in (known, [late, *known]):
        exports.write(fills)
        chosen = make_settings(
            source="files", exports=exports.folder, risk_home=home.root, desk=desk
        )
        bring_up_to_date(chosen)
        said, _ = build_models(chosen, home, "--exclude-resource-type", "test")
    assert "4 rebuilt of 5" in said
    assert rows(
        home,
        "select cast(trade_date as varchar), gross_pnl from marts.daily_totals "
        "where gross_pnl <> 0",
    ) == [("2025-03-10", 200)]


LATE = {
    "a_new_lot": [("03 11:00", "B", 50, "OLD", 30)],
    "nothing_is_left_to_convert": [("04 11:00", "S", 100, "OLD", 12)],
    "the_new_symbol_was_held": [("03 11:00", "B", 10, "NEW", 9)],
    "only_the_other_lot_is_left": [
        ("03 11:00", "B", 100, "OLD", 30),
        ("04 11:00", "S", 100, "OLD", 12),
    ],
}
LATE_ACTIONS = {
    "spin_off": "OLD,2025-03-05,spin_off,1:2,NEW,,0.25,\n",
    "merger": "OLD,2025-03-05,merger,1:2,NEW,2,0.5,\n",
    "symbol_change": "OLD,2025-03-08,symbol_change,2:1,NEW,,,\n",
    # Two in a row: what the first makes the second converts.
    "twice": "OLD,2025-03-05,spin_off,1:2,NEW,,0.25,\n"
    "NEW,2025-03-06,merger,1:2,NEXT,1,0.5,\n",
}


@pytest.mark.long
@pytest.mark.parametrize("action", LATE_ACTIONS)
def test_a_late_fill_moves_what_is_converted(tmp_path: Path, action: str) -> None:
    """What follows is as if it had been there from the first build on."""
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "corporate_actions.csv").write_text(
        ACTIONS + LATE_ACTIONS[action]
    )
    known = [
        trade("END", f"{day} 10:00", "B", 1, "END", 1) for day in ("03", "13", "14")
    ]
    for account in (f"L{number}" for number in range(len(LATE))):
        known += [
            trade(account, "03 10:00", "B", 100, "OLD", 10),
            trade(account, "07 10:00", "S", 20, "NEW", 6),
            trade(account, "11 10:00", "S", 30, "NEW", 8),
            trade(account, "12 10:00", "S", 30, "OLD", 8),
        ]
    late = [
        trade(f"L{number}", *fill)
        for number, fills in enumerate(LATE.values())
        for fill in fills
    ]
    told = [*known, *late]
    exports = Exports(tmp_path / "exports")

    def build(home: Home, fills: list[ExportedFill]) -> str:
        exports.write(fills)
        chosen = make_settings(
            source="files", exports=exports.folder, risk_home=home.root,
            desk=tmp_path / "desk",
        )  # fmt: skip
        bring_up_to_date(chosen)
        return build_models(chosen, home, "--exclude-resource-type", "test")[0]

    home = Home(tmp_path / "home")
    build(home, known)
    said = build(home, told)
    assert "in full" not in said
    whole = Home(tmp_path / "whole")
    build(whole, told)
    tables = [
        f"marts.{x}"
        for x in (
            "daily_totals", "fct_fills", "fct_lots", "fct_round_trips",
            "fct_open_positions", "fct_exposure", "fct_account_equity",
        )
    ]  # fmt: skip
    for table in tables:
        assert rows(home, f"from {table} order by all") == rows(
            whole, f"from {table} order by all"
        ), table
    assert " 0 rebuilt" in build(home, told)


def test_without_a_line_the_brokers_positions_of_the_date_before_count(
    tmp_path: Path,
) -> None:
    """Known are the second, before any fill, and the third, after the first ones."""
    exports = Exports(tmp_path / "exports").write(
        [
            trade("A1", "03 10:00", "S", 100, "HELD", 12),
            trade("A1", "04 10:00", "S", 50, "MORE", 12),
            trade("A1", "14 10:00", "B", 1, "END", 1),
        ]
    )
    chosen = make_settings(
        source="files", exports=exports.folder, risk_home=tmp_path / "home"
    )
    home = bring_up_to_date(chosen).home
    with duckdb.connect(home.warehouse) as connection:
        ((number,),) = connection.execute(
            "select distinct account_number from raw.day_versions"
        ).fetchall()
        for day, content in (("2025-03-02", "before"), ("2025-03-04", "after")):
            connection.execute(
                "insert into raw.day_versions by name select 'positions' as resource, "
                "? as account_number, cast(? as date) as trade_date, "
                "? as content_hash, 1 as rows_count, "
                "timestamp '1990-01-01' as known_at, "
                "timestamp '1990-01-01' as first_seen_at, "
                "timestamp '1990-01-01' as last_seen_at",
                [number, day, content],
            )
        connection.execute(
            "insert into raw.positions by name select ? as account_number, "
            "date '2025-03-02' as trade_date, 'before' as content_hash, "
            "1 as row_number, 'HELD' as symbol, 100 as quantity, "
            "10 as average_price, 11 as close_price",
            [number],
        )
    build_models_of(chosen, home, models=f"{MODELS} +data_quality")
    assert rows(
        home,
        "select cast(trade_date as varchar), gross_pnl from marts.daily_totals "
        "where gross_pnl <> 0",
    ) == [("2025-03-03", 200)]
    assert rows(
        home,
        "select symbol, quantity from marts.fct_fills where fill_status = 'OPENING'",
    ) == [("HELD", 100)]
    assert told(home, "opening_position_suspected") == (
        1, ["A1,MORE,DATE,50.0,PRICE, (first fill 2025-03-04)"],
    )  # fmt: skip
