"""How the server behaves as PropReports' API: tokens, limits, pages, scope, clock."""

from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import requests

from ingestion.simulator import Account, Adjustment, Dialect, Fill, Firm, serve

MONDAY = date(2025, 3, 3)
EXPIRED = (500, "Invalid or expired token.")
# For tests that move the clock and keep their token.
DAYS_LONG = 10**7


def firm_of(count: int) -> Firm:
    """`count` fills of one a day in turn over two accounts, and one idle account."""
    names = ("ZZA001", "ZZA002")
    start = datetime(2025, 3, 3, 10)
    fills = [
        Fill(
            start + timedelta(days=number),
            names[number % 2],
            "B",
            Decimal(100),
            "QQZ",
            Decimal("20.00"),
            order_id="O-1",
            fill_id="1",
            propreports_id=number,
        )
        for number in range(count)
    ]
    accounts = [Account(501 + number, name) for number, name in enumerate(names)]
    return Firm([*accounts, Account(503, "ZZA003")], fills)


class Client:
    """Posts with a token of its own."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.session = requests.Session()
        self.token = ""
        reply = self.post("login", user=simulator.user, password=simulator.password)
        self.token = reply[1]

    def post(self, action, **fields):
        """Status and text."""
        data = {"action": action, "token": self.token, **fields}
        reply = self.session.post(self.simulator.url, data=data, timeout=10)
        return reply.status_code, reply.content.decode()

    def fills(self, **fields):
        """Status and lines of all fills of all accounts."""
        window = {"startDate": "2025-01-01", "endDate": "2025-12-31", "groupId": -2}
        if "accountId" in fields:
            del window["groupId"]
        status, text = self.post("fills", **{**window, **fields})
        return status, text.splitlines()


@contextmanager
def client_of(firm, **settings):
    settings = {"as_of": date(2026, 1, 1), **settings}
    with serve(firm, **settings) as simulator:
        yield Client(simulator)


@pytest.fixture(scope="module")
def client():
    with client_of(firm_of(6), page_size=3, rate_limit=10_000) as made:
        yield made


def test_pages_repeat_the_header_and_end_with_a_trailer(client):
    rows, headers = [], set()
    for page in (1, 2):
        status, lines = client.fills(page=page)
        assert (status, lines[-1]) == (200, f"Page {page}/2")
        headers.add(lines[0])
        rows += lines[1:-1]
    assert len(headers) == 1
    assert len(set(rows)) == 6


def test_without_page_the_reply_is_cut_off_silently(client):
    _, lines = client.fills()
    assert len(lines) == 1 + 3
    assert not lines[-1].startswith("Page")


@pytest.mark.parametrize("page", [0, 3, -1, "x", ""])
def test_a_page_out_of_range_is_refused(client, page):
    assert client.fills(page=page)[0] == 500


def test_no_rows_are_a_header_and_one_page(client):
    _, lines = client.fills(page=1, accountId=503)
    assert lines[0].startswith("Date/Time,")
    assert lines[1:] == ["Page 1/1"]


def test_without_page_the_body_ends_with_a_newline_and_with_page_it_does_not(client):
    window = {"startDate": "2025-03-03", "endDate": "2025-03-04", "groupId": -4}
    assert client.post("fills", **window)[1].endswith("\n")
    assert client.post("fills", page=1, **window)[1].endswith("Page 1/1")


def test_positions_have_a_page_size_of_their_own():
    with client_of(firm_of(6), positions_page_size=2) as client:
        window = {"startDate": "2025-01-01", "endDate": "2025-12-31"}
        _, text = client.post("positions", page=3, accountId="501,502", **window)
        assert text.endswith("Page 3/3")


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ({"accountId": "501"}, 3),
        ({"accountId": "501,502"}, 6),
        ({"accountId": "502, 503"}, 3),
        ({"groupId": "-2"}, 6),
        ({"groupId": "-4"}, 6),
    ],
)
def test_scope(scope, count):
    with client_of(firm_of(6)) as client:
        _, lines = client.fills(page=1, **scope)
        assert len(lines) - 2 == count


@pytest.mark.parametrize(
    "fields",
    [
        {"accountId": "999"},
        {"accountId": "x"},
        {"groupId": "7"},
        {"startDate": "03/03/2025"},
        {"startDate": "20250303"},
        {"startDate": "2025-02-30"},
        {"endDate": ""},
        {"startDate": "2025-12-31", "endDate": "2025-01-01"},
    ],
)
def test_bad_fields_are_refused_with_a_text(client, fields):
    status, lines = client.fills(page=1, **fields)
    assert status == 500
    assert lines[0]


def test_a_scope_is_required(client):
    window = {"startDate": "2025-01-01", "endDate": "2025-12-31"}
    assert client.post("fills", **window)[0] == 500


def test_reports_need_a_known_type_and_one_account(client):
    window = {"startDate": "2025-01-01", "endDate": "2025-12-31"}
    for fields in ({"type": "nonsense", "accountId": 501}, {"type": "trades"}):
        fields = {"groupId": -2, **fields}
        assert client.post("report", **window, **fields)[0] == 500


@pytest.mark.parametrize(
    ("page", "beyond", "rows", "trailer"),
    [
        (3, "empty", 0, "Page 3/2"),
        (99, "empty", 0, "Page 99/2"),
        (3, "last", 3, "Page 2/2"),
        (2, "empty", 3, "Page 2/2"),
        (1, "last", 3, "Page 1/2"),
    ],
)
def test_a_page_beyond_the_last_may_be_answered(client, page, beyond, rows, trailer):
    client.simulator.dialect = Dialect(page_beyond_the_last=beyond)
    status, lines = client.fills(page=page)
    assert client.fills(page=0)[0] == client.fills(page="x")[0] == 500
    client.simulator.dialect = Dialect()
    assert (status, len(lines) - 2, lines[-1]) == (200, rows, trailer)
    assert lines[0].startswith("Date/Time,")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "BREW"])
def test_any_other_method_is_refused_in_text(client, method):
    session = requests.Session()
    for data in (b"", b"action=version"):
        reply = session.request(method, client.simulator.url, data=data, timeout=10)
        assert reply.status_code == 500
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert "<" not in reply.text
        assert bool(reply.text) == (method != "HEAD")
    # What was sent along is not taken for the next request.
    data = {"action": "version"}
    assert session.post(client.simulator.url, data=data, timeout=10).status_code == 200


def test_only_post_and_known_actions(client):
    url = client.simulator.url
    assert client.post("nonsense")[0] == 500
    assert client.post("")[0] == 500
    assert requests.post(url, data=b"x", timeout=10).status_code == 500
    assert requests.post(url + "x", data={}, timeout=10).status_code == 404


def test_multipart_and_urlencoded_are_answered_alike(client):
    fields = {
        "action": "fills",
        "token": client.token,
        "accountId": "501,502",
        "startDate": "2025-03-03",
        "endDate": "2025-03-04",
        "page": "1",
    }
    url = client.simulator.url
    plain = requests.post(url, data=fields, timeout=10)
    files = {name: (None, value) for name, value in fields.items()}
    parts = requests.post(url, files=files, timeout=10)
    assert parts.status_code == plain.status_code == 200
    assert parts.content == plain.content


def test_the_connection_is_kept(client):
    replies = [
        client.session.post(client.simulator.url, data={"action": "version"}, timeout=9)
        for _ in range(2)
    ]
    assert [reply.raw.version for reply in replies] == [11, 11]
    assert "Connection" not in replies[0].headers


def test_bad_log_in():
    with serve(firm_of(2), user="someone", password="something") as simulator:
        for user, password in (("someone", "else"), ("demo", "demo-password")):
            data = {"action": "login", "user": user, "password": password}
            reply = requests.post(simulator.url, data=data, timeout=10)
            assert reply.status_code == 500
            assert password not in reply.text


def test_a_token_is_needed_and_dies():
    with client_of(firm_of(2)) as client:
        assert client.post("accounts")[0] == 200
        client.post("logout")
        assert client.post("accounts") == EXPIRED
        client.token = "0" * 32 + ":501"
        assert client.post("accounts") == EXPIRED
    with client_of(firm_of(2), token_lifetime_seconds=0) as client:
        assert client.post("accounts") == EXPIRED


def test_a_token_ages_with_the_virtual_clock():
    with client_of(firm_of(2)) as client:
        client.simulator.now += timedelta(seconds=7100)
        assert client.post("accounts")[0] == 200
        client.simulator.now += timedelta(seconds=100)
        assert client.post("accounts") == EXPIRED
        again = Client(client.simulator)
        assert again.post("accounts")[0] == 200
        assert client.simulator.tokens == [client.token, again.token]


def test_two_tokens_live_side_by_side():
    with client_of(firm_of(2)) as first:
        second = Client(first.simulator)
        second.post("logout")
        assert first.post("accounts")[0] == 200


def test_requests_beyond_the_rate_are_refused():
    with client_of(firm_of(2), rate_limit=5, rate_window_seconds=3600) as client:
        # The log-in was the first.
        statuses = [client.post("version")[0] for _ in range(6)]
        assert statuses == [200, 200, 200, 200, 429, 429]
    with client_of(firm_of(2), rate_limit=1, rate_window_seconds=0) as client:
        assert [client.post("version")[0] for _ in range(3)] == [200] * 3


def test_the_rate_follows_the_virtual_clock():
    with client_of(firm_of(2), rate_limit=3) as client:
        statuses = [client.post("version")[0] for _ in range(3)]
        client.simulator.now += timedelta(seconds=4)
        statuses += [client.post("version")[0] for _ in range(4)]
        client.simulator.now -= timedelta(hours=1)
        statuses.append(client.post("version")[0])
    assert statuses == [200, 200, 429, 200, 200, 200, 429, 200]


def test_a_day_is_visible_from_the_next_morning_on():
    with client_of(firm_of(2), token_lifetime_seconds=DAYS_LONG) as client:
        for as_of, count in ((MONDAY, 0), (date(2025, 3, 4), 1), (date(2025, 3, 5), 2)):
            client.simulator.as_of = as_of
            assert len(client.fills(page=1)[1]) - 2 == count
            assert client.post("version")[1] == f"v0.0.0-sim [{as_of}]"


def test_an_account_appears_with_its_first_row():
    firm = firm_of(2)
    deposit = Adjustment(MONDAY, "ZZA002", "Transfer: Deposit", Decimal(10))
    firm = Firm(firm.accounts, firm.fills, [deposit])
    with client_of(firm, token_lifetime_seconds=DAYS_LONG) as client:
        client.simulator.as_of = MONDAY
        lines = client.post("accounts", page=1)[1].splitlines()
        assert lines[1:] == ["503,ZZA003,,,USD,0.00,0.00", "Page 1/1"]
        assert client.fills(accountId=501)[0] == 500
        client.simulator.as_of = date(2025, 3, 4)
        lines = client.post("accounts", groupId=-2)[1].splitlines()
        assert lines[1:] == [
            "501,ZZA001,2025-03-03,2025-03-03,USD,0.00,0.00",
            "502,ZZA002,,,USD,10.00,0.00",
            "503,ZZA003,,,USD,0.00,0.00",
        ]


def test_by_default_everything_is_visible():
    with serve(firm_of(6)) as simulator:
        assert simulator.as_of == date(2025, 3, 9)


def test_the_log_of_requests_holds_no_secrets():
    with client_of(firm_of(2)) as client:
        client.post("accounts", page=1)
        assert client.simulator.requests == [
            ("login", {"user": "demo"}),
            ("accounts", {"page": "1"}),
        ]


def test_fee_columns_are_those_of_the_fills_shown():
    plain, other = firm_of(2).fills
    other = Fill(
        other.filled_at,
        "ZZA002",
        "B",
        Decimal("0.5"),
        "QQZ",
        Decimal(1),
        fees={"CAT": Decimal("0.000035"), "Venue": Decimal(-1)},
    )
    accounts = firm_of(2).accounts
    with client_of(Firm(accounts, [plain, other])) as client:
        _, both = client.fills(page=1)
        _, first = client.fills(page=1, accountId=501)
    assert ",Liq,Comm,Ecn Fee,SEC,CAT,TAF,NSCC,Clr,Misc,Venue,Order Id," in both[0]
    assert ",Liq,Comm,Ecn Fee,SEC,TAF,NSCC,Clr,Misc,Order Id," in first[0]
    assert ",B,0.5,QQZ,1,,,,,,0.000035,,,,,-1," in both[2]


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (datetime(2025, 3, 3, 22), 0),
        (datetime(2025, 3, 4, 5, 59, 59), 0),
        (datetime(2025, 3, 4, 6), 1),
        (datetime(2025, 3, 4, 22), 1),
        (datetime(2025, 3, 5, 5), 1),
    ],
)
def test_a_day_is_published_at_six_in_the_next_morning(now, count):
    settings = {"as_of": now, "token_lifetime_seconds": DAYS_LONG}
    with client_of(firm_of(2), **settings) as client:
        assert len(client.fills(page=1)[1]) - 2 == count
        client.simulator.now = now + timedelta(days=5)
        assert len(client.fills(page=1)[1]) - 2 == 2


def test_a_date_is_its_morning():
    with client_of(firm_of(2), as_of=date(2025, 3, 4)) as client:
        simulator = client.simulator
        assert simulator.now == datetime(2025, 3, 4, 8)
        assert simulator.last_visible == MONDAY
        simulator.as_of = date(2025, 3, 5)
        assert simulator.now == datetime(2025, 3, 5, 8)
        simulator.now = datetime(2025, 3, 6, 1)
        assert (simulator.as_of, simulator.last_visible) == (
            date(2025, 3, 6),
            date(2025, 3, 4),
        )
