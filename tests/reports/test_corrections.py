"""What is mailed is what lies on disk, and who has another one is told what changed."""

import re
import threading
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some

from reports import outbox, smtp
from reports.daily_report import report_again, report_path
from reports.mail import Mail
from reports.outbox import post, waiting
from reports.summary import keep
from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings
from tests.draws import draw
from tests.mail_server import Desk, free_port, mail_server, mail_settings
from tests.reports.test_report import DESK, FACTS, OUTCOME, forecast, summary

DAY = date(2026, 3, 2)
MORE = {"publish_past": True}
CHECK = {
    "check_name": "quarantined", "found_count": 3, "finding": "rows are unreadable",
    "how_to_fix": "See", "needs_attention": True, "check_order": 1,
}  # fmt: skip


def told(**more: object) -> dict:
    """A summary with an outcome."""
    return summary(outcomes=[OUTCOME | {"prediction_date": "2026-02-27"}], **more)


def having(trader: str, level: str, pnl: str, **more: object) -> dict:
    """The same with another forecast of one trader."""
    before = told()
    forecasts = {
        name: [one for one in ones if one["trader_id"] != trader]
        for name, ones in before["forecasts"].items()
    }
    forecasts[level] = [*forecasts[level], forecast(trader, level, pnl, **more)]
    return before | {"forecasts": forecasts}


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "WAITS_SECONDS", (0.05,))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of which a morning is kept."""
    return Home(tmp_path / "home")


def report(settings, home: Home, kept: dict, *, force: bool = False) -> str:
    """Write and mail the report of what is kept."""
    keep(home, kept)
    return report_again(settings, home, DAY, force=force)


def text(mail) -> str:
    """Its words, in one line."""
    return " ".join(mail.get_body(("plain",)).get_content().split())


def on_disk(home: Home) -> str:
    """The words of the report on disk, in one line."""
    path = report_path(home, DAY).with_suffix(".txt")
    return " ".join(path.read_text("utf-8").split())


LAST_DAY = {"trade_date": "2026-02-27", "net_pnl": "5", "fills_count": 2,
            "accounts_count": 1}  # fmt: skip
CHANGES = [
    (having("T1", "Elevated", "-900"), "T1: High, P(loss of more than $2,500) 17 %, "
     "P(loss) 61 %, 1-in-20 −$2,501, now Elevated, "),
    (having("T1", "High", "-1500.50", predicted_pnl_p05="-9000"), "20 −$9,000"),
    (having("T1", "High", "-1500.50", limit_loss_probability=0.4), "$2,500) 40 %"),
    (having("T1", "High", "-1500.50", daily_loss_limit_amount="500"), "than $500"),
    (having("T1", "High", "-1510"), "1-in-20 −$2,510"),
    (having("T1", "High", "-1500.50", loss_probability=0.7), "P(loss) 70 %"),
    (having("T1", "High", "-1500.50", last_net_pnl="-8"), "now –: −$8 realized"),
    (having("NEW", "Normal", "10"), "NEW: not shown, now Normal, P(loss of"),
    (told() | {"is_size_proven": True}, "now High, P(loss of more than $2,500) 17 %, "
     "P(loss) 61 %, 1-in-20 −$2,501, size × 0.5"),
    (told() | {"problems": [CHECK]}, "quarantined: not shown, now 3 rows are"),
    (told(desk=DESK | {"worst_case_pnl": "-9000"}), "worst case: −$5,000, now −$9,000"),
    (told(desk=DESK | {"one_in_hundred_pnl": "-1"}), "in a hundred: −$8,001, now −$1"),
    (told(desk=None), "worst case: −$5,000, now not shown"),
    (told(last_day=LAST_DAY),
     "net of the last day: not shown, now $5 on Fri 2026-02-27"),
    (told(facts=FACTS), "the month: not shown, now February to date −$2,452 in all"),
    (told(facts=FACTS), "peak: not shown, now $117,227 below the peak"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "change"), CHANGES)
def test_a_report_that_says_something_else_goes_out_again_once(
    desk: Desk, home: Home, changed: dict, change: str
) -> None:
    settings = desk.settings(**MORE)
    report(settings, home, told())
    assert "; mailed" in report(settings, home, changed)
    for _ in range(2):
        assert "mailed before" in report(settings, home, changed)
    first, second = desk.mails
    # A subject that was folded begins with the fold.
    assert second["Subject"].strip().startswith("CORRECTED: ")
    assert first["Message-ID"] != second["Message-ID"]
    assert change in text(second)
    html = second.get_body(("html",)).get_content()
    assert re.search(r"<body[^>]*><div[^>]*><b>CORRECTED\.", html)
    # Below it is the report as it lies on disk.
    assert text(second).endswith(on_disk(home))
    assert waiting(home) == []


@pytest.mark.parametrize(
    "changed",
    [
        told(),
        dict(reversed(told().items())),
        told() | {"information": [CHECK]},
        having("T1", "High", "-1500.51"),
        having("T1", "High", "-1500.50", loss_probability=0.6101),
        having("T1", "High", "-1500.50", reasons="large size; three losing days"),
        told(model_version="v2", published_at="2026-03-02T11:00:00"),
    ],
)
def test_other_bytes_are_no_correction(desk: Desk, home: Home, changed: dict) -> None:
    settings = desk.settings(**MORE)
    report(settings, home, told())
    assert "mailed before" in report(settings, home, changed)
    assert len(desk.taken) == 1


def test_each_change_is_told_against_what_was_mailed_last(
    desk: Desk, home: Home
) -> None:
    settings = desk.settings(**MORE)
    for pnl in ("-1500.50", "-900", "-1500.50", "-1500.50", "-40"):
        report(settings, home, having("T1", "High", pnl))
    assert ["CORRECTED" in x["Subject"] for x in desk.mails] == [False, *[True] * 3]
    assert len({mail["Message-ID"] for mail in desk.mails}) == 4
    assert "1-in-20 −$1,040" in text(desk.mails[-1])
    assert "−$1,900" not in text(desk.mails[-1])


def test_many_changes_are_counted(desk: Desk, home: Home) -> None:
    def of(pnl: str) -> dict:
        forecasts = [forecast(f"T{number}", "High", pnl) for number in range(40)]
        return told(
            forecasts={"High": forecasts, "Elevated": [], "Unknown": [], "Normal": []}
        )

    report(desk.settings(**MORE), home, of("-1500"))
    report(desk.settings(**MORE), home, of("-1600"))
    head = text(desk.mails[-1]).split("RISK FOR")[0]
    assert head.count("now High") == 12
    assert "and 28 more" in head


def test_what_waits_is_replaced_by_what_is_written_anew(
    certificate: tuple[Path, Path], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    port = free_port()
    down = mail_settings(port, **MORE)
    for kept in (told(), having("T1", "Elevated", "-900")):
        with pytest.raises(UserError):
            report(down, home, kept)
    with mail_server(certificate, port=port) as desk:
        report(desk.settings(**MORE), home, having("T1", "Elevated", "-800"))
        (only,) = desk.mails
    # Nobody has an earlier one: there is nothing to correct.
    assert only["Subject"].startswith("Risk for")
    assert text(only) == on_disk(home)
    assert "−$1,800" in text(only)


def test_what_the_report_no_longer_says_is_held_back(desk: Desk, home: Home) -> None:
    """A run that was killed after it had written the report, and another's alert."""
    desk.answers = ["554 no", "250 taken"]
    with pytest.raises(UserError):
        report(desk.settings(**MORE), home, told())
    page = report_path(home, DAY)
    page.write_bytes(page.read_bytes() + b"\n")
    alert = Mail("alert", ("ops@x.test",), "it failed", "words")
    said = post(desk.settings(), home, alert)
    assert f"held back, for the report in {home.reports}" in said
    assert [mail["Subject"] for mail in desk.mails] == ["it failed"]
    assert len(waiting(home)) == 1
    assert "; mailed" in report(desk.settings(**MORE), home, told())
    assert text(desk.mails[-1]) == on_disk(home)


def test_who_had_it_before_it_changed_is_told_so_and_the_others_too(
    desk: Desk, home: Home
) -> None:
    desk.refuses = {"b@x.test": "450 mailbox busy"}
    with pytest.raises(UserError, match=r"for b@x\.test"):
        report(desk.settings(**MORE), home, told())
    desk.refuses = {}
    report(desk.settings(**MORE), home, having("T1", "Elevated", "-900"))
    assert [to for to, _ in desk.taken] == [["a@x.test"], ["a@x.test", "b@x.test"]]
    assert "now Elevated" in text(desk.mails[-1])


def test_who_has_it_gets_it_once_though_the_bytes_are_others(
    desk: Desk, home: Home
) -> None:
    desk.refuses = {"b@x.test": "450 mailbox busy"}
    with pytest.raises(UserError):
        report(desk.settings(**MORE), home, told())
    desk.refuses = {}
    report(desk.settings(**MORE), home, told(information=[CHECK]))
    assert [to for to, _ in desk.taken] == [["a@x.test"], ["b@x.test"]]
    assert desk.mails[0]["Message-ID"] == desk.mails[1]["Message-ID"]


def test_a_correction_that_waits_is_withdrawn_when_all_is_as_it_was(
    desk: Desk, home: Home
) -> None:
    report(desk.settings(**MORE), home, told())
    desk.answers = ["554 no", "250 taken"]
    with pytest.raises(UserError):
        report(desk.settings(**MORE), home, having("T1", "Elevated", "-900"))
    assert len(waiting(home)) == 1
    assert "mailed before" in report(desk.settings(**MORE), home, told())
    assert waiting(home) == []
    assert len(desk.taken) == 1


def test_a_correction_that_waits_is_corrected_again(desk: Desk, home: Home) -> None:
    report(desk.settings(**MORE), home, told())
    desk.answers = ["554 no", "250 taken"]
    with pytest.raises(UserError):
        report(desk.settings(**MORE), home, having("T1", "Elevated", "-900"))
    report(desk.settings(**MORE), home, having("T1", "Elevated", "-800"))
    assert "1-in-20 −$2,501" in text(desk.mails[-1])
    assert "1-in-20 −$1,800" in text(desk.mails[-1])
    assert len(desk.taken) == 2


def test_by_force_a_changed_report_is_a_correction_too(desk: Desk, home: Home) -> None:
    report(desk.settings(**MORE), home, told())
    report(desk.settings(**MORE), home, told(), force=True)
    report(desk.settings(**MORE), home, having("T1", "Normal", "5"), force=True)
    subjects = [mail["Subject"].split()[0] for mail in desk.mails]
    assert subjects == ["Risk", "Risk", "CORRECTED:"]


@pytest.mark.parametrize("pnl", ["-1500.50", "-900"])
def test_a_report_that_is_written_while_the_one_before_is_sent(
    desk: Desk, home: Home, monkeypatch: pytest.MonkeyPatch, pnl: str
) -> None:
    send, others = smtp.Session.send, []

    def send_slowly(*arguments: object) -> dict[str, tuple[int, str]]:
        monkeypatch.setattr(smtp.Session, "send", send)
        later = having("T1", "High", pnl)
        other = threading.Thread(target=report, args=(settings, home, later))
        other.start()
        others.append(other)
        # It is in the outbox before it waits for this one to be sent.
        other.join(1)
        return send(*arguments)

    settings = desk.settings(**MORE)
    monkeypatch.setattr(smtp.Session, "send", send_slowly)
    report(settings, home, having("T1", "High", "-1500.50"))
    others[0].join()
    assert waiting(home) == []
    expected = ["Risk"] if pnl == "-1500.50" else ["Risk", "CORRECTED:"]
    assert [mail["Subject"].split()[0] for mail in desk.mails] == expected


def with_addresses(desk: Desk, folder: Path, *traders: str) -> Settings:
    """Settings under which these traders are mailed as well."""
    path = folder / "addresses.csv"
    lines = [f"{trader},{trader.lower()}@x.test" for trader in traders]
    path.write_text("\n".join(["trader_id,email", *lines]) + "\n")
    return desk.settings(trader_emails=path, **MORE)


def test_a_trader_is_told_of_their_own_forecast_alone(
    desk: Desk, home: Home, tmp_path: Path
) -> None:
    settings = with_addresses(desk, tmp_path, "T1", "T2")
    report(settings, home, told())
    report(settings, home, having("T1", "Elevated", "-900"))
    assert sorted(mail["To"] for mail in desk.mails[3:]) == [
        "a@x.test, b@x.test", "t1@x.test",
    ]  # fmt: skip
    own = next(mail for mail in desk.mails[3:] if mail["To"] == "t1@x.test")
    assert "1-in-20 −$1,900" in text(own)
    assert "T2" not in text(own)


def test_what_an_earlier_version_has_sent_is_not_sent_again(
    desk: Desk, home: Home
) -> None:
    """It did not write down what the mail said."""
    old = Mail("report-2026-03-02", ("a@x.test", "b@x.test"), "Risk", "words")
    post(desk.settings(), home, old)
    assert "mailed before" in report(desk.settings(**MORE), home, told())
    assert len(desk.taken) == 1


STEPS = some.lists(
    some.tuples(
        some.sampled_from(["-1500.50", "-1500.51", "-900", "-40"]),
        some.sampled_from(["250 taken", "451 busy", "554 no"]),
    ),
    min_size=1,
    max_size=6,
)


@hypothesis_settings(
    max_examples=draw(12, 200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_in_the_end_everybody_has_what_lies_on_disk(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    desk.taken.clear()
    settings = desk.settings(**MORE)
    for pnl, answer in [*steps, (steps[-1][0], "250 taken")]:
        desk.answers = [answer]
        try:
            report(settings, home, having("T1", "High", pnl))
        except UserError:
            assert answer != "250 taken"
    assert waiting(home) == []
    assert text(desk.mails[-1]).endswith(on_disk(home))
    # Nobody is told twice of the same.
    amounts = [re.search(r"T1 −\$3,500 .*? 61 % (\S+)", text(x))[1] for x in desk.mails]
    assert all(one != other for one, other in zip(amounts, amounts[1:], strict=False))


def test_a_forecast_that_no_longer_holds_is_withdrawn_from_who_has_it(
    desk: Desk, home: Home, tmp_path: Path
) -> None:
    settings = with_addresses(desk, tmp_path, "T1", "GONE")
    report(settings, home, told())
    forecasts = {
        level: [one for one in ones if one["trader_id"] != "T1"]
        for level, ones in told()["forecasts"].items()
    }
    for _ in range(2):
        report(settings, home, told() | {"forecasts": forecasts})
    # Who never had one is not told that it is gone.
    own = [mail for mail in desk.mails if mail["To"] == "t1@x.test"]
    assert not any(mail["To"] == "gone@x.test" for mail in desk.mails)
    assert len(own) == 2
    assert own[1]["Subject"].startswith("CORRECTED: No forecast for you")
    assert "does not hold" in own[1].get_content()
    assert "1-in-20 −$2,501" in own[1].get_content()
    # And it may come back.
    report(settings, home, told())
    assert len([mail for mail in desk.mails if mail["To"] == "t1@x.test"]) == 3
