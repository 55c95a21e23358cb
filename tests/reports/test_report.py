"""The report as a person reads it, and as a mail server takes it."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from bs4 import BeautifulSoup

from reports.render import money, render
from reports.send import post
from reports.summary import summarise
from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import SampleRun, make_settings

PASSWORD = "correct horse battery"


def call(trader_id: str, level: str, pnl: str | None, **more) -> dict:
    """A call as summarise() gives it."""
    amount = None if pnl is None else Decimal(pnl)
    return {
        "trader_id": trader_id, "risk_level": level, "predicted_pnl": amount,
        "predicted_pnl_p05": amount and amount - 1000,
        "predicted_pnl_p95": amount and amount + 1000,
        "loss_probability": None if pnl is None else 0.61, "reasons": "because",
        "limit_loss_probability": None if pnl is None else 0.17,
        "daily_loss_limit_amount": Decimal(2500), "change_reasons": None,
        "recommendation": "Trade at most 50 % of the usual size",
        "position_multiplier": 0.5, "is_newcomer": False, "traded_days_count": 90,
        "model_version": "v1",
    } | more  # fmt: skip


def summary(**more) -> dict:
    """A summary with one trader at each level."""
    levels = {
        "High": [call("T1", "High", "-1500.50")],
        "Medium": [call("T2", "Medium", "-20")],
        "Low": [call("T3", "Low", "300", is_newcomer=True, position_multiplier=1.0)],
        "Unknown": [call("T4", "Unknown", None, recommendation="No prediction")],
    }
    return {
        "firm": "Test firm", "source": "files", "is_sample": False,
        "as_of": date(2026, 3, 2), "prediction_date": date(2026, 3, 2),
        "desk": {
            "predicted_pnl": Decimal("-1220.5"), "high_count": 1, "medium_count": 1,
            "low_count": 1, "unknown_count": 1,
        },
        "last_day": None, "calls": levels, "inactive": [], "outcomes": [],
        "outcomes_date": None, "quality": [], "information": [], "measures": [],
        "model_version": "v1", "dollars_are_doubtful": False, "speakers": [],
        "learned": None,
    } | more  # fmt: skip


def nothing() -> dict:
    """A summary of a firm without anybody to call."""
    return summary(
        desk=None, calls=dict.fromkeys(("High", "Medium", "Low", "Unknown"), [])
    )


def test_the_subject_counts_who_is_at_high_risk() -> None:
    assert render(summary())[0] == "Risk for Mon 2026-03-02: 1 trader at high risk"
    assert render(nothing())[0] == "Risk for Mon 2026-03-02: 0 traders at high risk"


def test_html_and_text_tell_the_same_calls() -> None:
    _, html, text = render(summary())
    page = BeautifulSoup(html, "html.parser")
    for trader, figure in (("T1", "−$1,501"), ("T2", "−$20"), ("T3", "$300")):
        assert trader in page.text
        assert trader in text
        assert figure in page.text
        assert figure in text
    assert "No prediction" in page.text
    assert "No prediction" in text
    assert "newcomer" in page.text


def test_a_level_is_told_by_a_word_and_never_by_colour_alone() -> None:
    page = BeautifulSoup(render(summary())[1], "html.parser")
    assert "High" in page.select_one(".card .badge").text


def test_styles_are_inlined_and_nothing_is_fetched_from_elsewhere() -> None:
    page = BeautifulSoup(render(summary())[1], "html.parser")
    assert page.find("h1")["style"]
    assert not page.find_all(["script", "link", "img"])
    assert "@media" in page.find("style").text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "A, B", "😀", "אבג"])
def test_a_strange_name_is_shown_and_does_no_harm(name: str) -> None:
    calls = summary()["calls"] | {"High": [call(name, "High", "-2000")]}
    _, html, text = render(summary(calls=calls))
    page = BeautifulSoup(html, "html.parser")
    assert page.select_one(".card b.name").text == name
    assert not page.find_all("script")
    assert name in text


def test_a_call_says_how_likely_its_limit_is_and_what_changed() -> None:
    changed = call("T1", "High", "-1500", change_reasons="two losing days since")
    calls = summary()["calls"] | {"High": [changed]}
    _, html, text = render(summary(calls=calls))
    page = " ".join(BeautifulSoup(html, "html.parser").select_one(".card").text.split())
    assert "of more than $2,500 17%" in page
    assert "Since the day before: two losing days since" in page
    assert "P(loss of more than $2,500) 17%" in text
    assert text.count("Since the day before: two losing days since") == 1


def test_a_call_without_advice_or_chances_has_no_size() -> None:
    bare = call(
        "T2", "Medium", "-20", position_multiplier=None, loss_probability=None,
        limit_loss_probability=None, reasons=None, recommendation="No advice on size",
    )  # fmt: skip
    calls = summary()["calls"] | {"Medium": [bare]}
    _, html, text = render(summary(calls=calls))
    page = BeautifulSoup(html, "html.parser")
    cells = page.find("b", string="T2").find_parent("tr").find_all("td")
    assert [cell.text.strip() for cell in cells[3:]] == ["–", "–", "–"]
    assert "No advice on size" in text


def test_a_size_that_is_not_the_usual_one_is_told_at_every_level() -> None:
    small = call("T3", "Low", "300", recommendation="Trade at most 25 %")
    usual = call("T4", "Low", "9", recommendation="Usual size", position_multiplier=1.0)
    text = render(summary(calls=summary()["calls"] | {"Low": [small, usual]}))[2]
    assert "Trade at most 25 %" in text
    assert "Usual size" not in text


def test_who_speaks_and_from_what_is_told_once() -> None:
    learned = {
        "rows_count": 4321, "traders_count": 20,
        "trained_from": date(2024, 1, 2), "trained_through": date(2026, 2, 26),
    }  # fmt: skip
    speakers = ["loss probability from the blend of models", "interval from the rules"]
    _, html, text = render(summary(speakers=speakers, learned=learned))
    for told in (
        "Today: loss probability from the blend of models; interval from the rules.",
        "Learned from 4,321 trader-days of 20 traders, 2024-01-02 to 2026-02-26.",
    ):
        assert told in " ".join(BeautifulSoup(html, "html.parser").text.split())
        assert told in text


def test_a_measure_has_its_interval_where_there_is_one() -> None:
    measure = {
        "metric": "auc", "label": "AUC", "model": 0.735, "low": 0.701, "high": 0.772,
        "baseline": 0.68, "baseline_label": "trader's base rate", "rows_count": 900,
    }  # fmt: skip
    bare = measure | {"label": "Brier", "low": None, "high": None, "model": 0.2}
    _, html, text = render(summary(measures=[measure, bare]))
    page = BeautifulSoup(html, "html.parser")
    for label, shown in (("AUC", "0.735 (0.701 to 0.772)"), ("Brier", "0.200")):
        assert page.find("td", string=label).find_next_sibling().text == shown
        assert shown in text


def test_nobody_to_call_reads_well() -> None:
    _, html, text = render(nothing())
    assert "Nobody to call" in html
    assert "Nobody to call" in text


def test_what_is_wrong_with_the_data_comes_first() -> None:
    check = {"found_count": 3, "finding": "rows could not be read", "remedy": "See it"}
    _, html, text = render(summary(quality=[check]))
    assert html.index("rows could not be read") < html.index("High risk")
    assert text.index("rows could not be read") < text.index("HIGH RISK")


def test_what_is_only_told_is_no_banner_and_comes_last() -> None:
    check = {"found_count": 1200, "finding": "days were corrected", "remedy": "None"}
    _, html, text = render(summary(information=[check]))
    page = BeautifulSoup(html, "html.parser")
    assert not page.select(".warning")
    assert [x.text for x in page.select(".told li")] == [
        "1,200 days were corrected. None."
    ]
    assert text.index("days were corrected") > text.index("CAN THE MODEL BE TRUSTED?")
    assert "!" not in text
    assert "Good to know" not in render(summary())[1]


def test_a_file_or_column_with_markup_in_its_name_does_no_harm() -> None:
    check = {"found_count": 1, "finding": "column <b>x</b>", "remedy": "See it"}
    html = render(summary(quality=[check], information=[check]))[1]
    page = BeautifulSoup(html, "html.parser")
    assert "<b>x</b>" in page.select_one(".warning").text
    assert "<b>x</b>" in page.select_one(".told li").text


def test_past_calls_are_held_against_what_happened() -> None:
    outcome = {
        "trader_id": "T9", "risk_level": "High", "predicted_pnl": Decimal(-1200),
        "actual_net_pnl": Decimal(-800), "has_traded": True,
        "advised_size_effect": 400.0,
    }  # fmt: skip
    idle = outcome | {
        "trader_id": "T8", "has_traded": False, "actual_net_pnl": None,
        "advised_size_effect": None,
    }  # fmt: skip
    _, html, text = render(
        summary(outcomes=[outcome, idle], outcomes_date=date(2026, 2, 27))
    )
    assert "−$800" in html
    assert "did not trade" in html
    assert "actual −$800" in text


def test_money_rounds_half_up_and_shows_the_unknown() -> None:
    shown = [money(value) for value in (Decimal("0.5"), -1500.5, None, Decimal("-0.4"))]
    assert shown == ["$1", "−$1,501", "–", "$0"]


def test_the_sample_says_that_it_is_a_sample(sample: SampleRun) -> None:
    folder = sample.home.reports / "2025-12-19"
    html = (folder / "report.html").read_text()
    text = (folder / "report.txt").read_text()
    assert "SAMPLE DATA" in BeautifulSoup(html, "html.parser").text
    assert "SAMPLE DATA" in text
    assert "SAMPLE DATA" in sample.run.out


def test_the_sample_tells_what_is_no_alarm_as_information(sample: SampleRun) -> None:
    told = summarise(sample.home)
    assert [check["check_name"] for check in told["quality"]] == []
    names = [check["check_name"] for check in told["information"]]
    # What is told of the data comes before what is told of the models.
    assert names[:2] == ["journal_entries", "unplaced_adjustments"]
    html = (sample.home.reports / "2025-12-19" / "report.html").read_text()
    shown = BeautifulSoup(html, "html.parser").select(".told li")
    assert len(shown) == len(names)


def test_the_report_shows_every_call_of_the_mart(sample: SampleRun) -> None:
    told = summarise(sample.home)
    page = BeautifulSoup(
        (sample.home.reports / "2025-12-19" / "report.html").read_text(), "html.parser"
    )
    traders = [one["trader_id"] for level in told["calls"].values() for one in level]
    assert len(traders) >= 20
    for trader in traders:
        assert page.find("b", string=trader), trader


@dataclass
class Desk:
    """A mail server's memory."""

    accepts: bool = True
    refuses: str = ""
    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: ARG002, N802
        if not self.accepts:
            return "451 try later"
        self.mails.append(envelope.content)
        return "250 taken"

    async def handle_RCPT(  # noqa: N802
        self,
        server,  # noqa: ARG002
        session,  # noqa: ARG002
        envelope,
        address: str,
        options,  # noqa: ARG002
    ) -> str:
        if address == self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 known"

    def authenticate(self, server, session, envelope, mechanism, data):  # noqa: ARG002
        self.logins.append(data.password)
        # handled=False: otherwise a wrong password leaves the client waiting.
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def desk(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """A real mail server on loopback with STARTTLS and log-in."""
    pem, key = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    memory = Desk()
    with socket.socket() as free:
        free.bind(("localhost", 0))
        memory.port = free.getsockname()[1]
    controller = Controller(
        memory,
        hostname="localhost",
        port=memory.port,
        tls_context=context,
        authenticator=memory.authenticate,
        auth_required=True,
    )
    controller.start()
    yield memory
    controller.stop()


def mail_settings(port: int, password: str = PASSWORD, to: str = "a@x.test,b@x.test"):
    """Settings that mail to the local server."""
    return make_settings(
        source="sample",
        smtp_url=f"smtp://localhost:{port}",
        email_from="desk@x.test",
        email_password=password,
        email_to=to,
    )


def send(settings, home: Home) -> str:
    """Mail the summary's report."""
    return post(settings, home, date(2026, 3, 2), *render(summary()))


def test_a_report_is_mailed_once_with_text_and_html(desk: Desk, tmp_path: Path) -> None:
    settings, home = mail_settings(desk.port), Home(tmp_path)
    assert send(settings, home) == "mailed"
    assert "before" in send(settings, home)
    (raw,) = desk.mails
    mail: EmailMessage = message_from_bytes(raw, policy=policy.default)
    assert mail["To"] == "a@x.test, b@x.test"
    assert mail["Date"].datetime.date() == datetime.now().date()
    assert mail["Subject"].endswith("1 trader at high risk")
    assert "T1" in mail.get_body(("plain",)).get_content()
    assert "T1" in mail.get_body(("html",)).get_content()


def test_other_recipients_get_it_too(desk: Desk, tmp_path: Path) -> None:
    home = Home(tmp_path)
    send(mail_settings(desk.port), home)
    send(mail_settings(desk.port, to="c@x.test"), home)
    assert len(desk.mails) == 2


def test_a_wrong_password_says_so_and_keeps_the_mail(
    desk: Desk, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    with pytest.raises(UserError, match="EMAIL_PASSWORD") as caught:
        send(mail_settings(desk.port, password="sesame"), home)
    assert "sesame" not in str(caught.value)
    assert len(list(home.outbox.glob("*.eml"))) == 1
    assert not desk.mails


def test_what_a_server_refused_is_sent_by_the_next_run(
    desk: Desk, tmp_path: Path
) -> None:
    home, settings = Home(tmp_path), mail_settings(desk.port)
    desk.accepts = False
    with pytest.raises(UserError, match="waits in"):
        send(settings, home)
    desk.accepts = True
    send(settings, home)
    send(settings, home)
    assert len(desk.mails) == 1
    assert not list(home.outbox.glob("*.eml"))


def test_a_refused_recipient_holds_up_nobody_elses_mail(
    desk: Desk, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    desk.refuses = "gone@x.test"
    with pytest.raises(UserError, match=r"gone@x.test"):
        send(mail_settings(desk.port, to="gone@x.test"), home)
    with pytest.raises(UserError, match=r"delete what should not go"):
        send(mail_settings(desk.port, to="boss@x.test"), home)
    assert len(desk.mails) == 1
    assert b"boss@x.test" in desk.mails[0]


def test_a_server_that_is_down_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SMTP_URL") as caught:
        send(mail_settings(9), Home(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_unknown_certificate_is_refused(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UserError, match="SSLCertVerificationError"):
        send(mail_settings(desk.port), Home(tmp_path))
    assert not desk.logins
