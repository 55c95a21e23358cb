"""Faults on the way to the client: what each looks like, and who gets it."""

import re
import socket
import struct
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from urllib.parse import urlsplit

import pytest
import requests

from ingestion.simulator import Fault, serve
from tests.ingestion.test_simulator_server import EXPIRED, Client, client_of, firm_of

STATUSES = {
    Fault.BUSY: 429,
    Fault.ERROR: 500,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE: 503,
    Fault.GATEWAY_TIMEOUT: 504,
}
CONNECTION_LOST = (
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
)


@pytest.fixture
def client():
    with client_of(firm_of(6), page_size=3, rate_limit=10_000) as made:
        yield made


@pytest.fixture
def faults(client):
    return client.simulator.faults


@pytest.mark.parametrize(("fault", "status"), STATUSES.items())
def test_refusals(client, faults, fault, status):
    right = client.fills(page=1)
    faults.once(fault)
    given, lines = client.fills(page=1)
    assert given == status
    assert lines[0]
    assert client.fills(page=1) == right
    assert faults.injected == {fault: 1}


def test_an_expired_token(client, faults):
    faults.once(Fault.EXPIRED)
    assert client.fills(page=1) == (EXPIRED[0], [EXPIRED[1]])
    assert client.fills(page=1)[0] == 200


def test_a_page_of_html_with_status_200(client, faults):
    faults.once(Fault.HTML)
    status, lines = client.fills(page=1)
    assert (status, lines[0]) == (200, "<!DOCTYPE html>")


def test_an_empty_reply_with_status_200(client, faults):
    faults.once(Fault.EMPTY)
    assert client.fills(page=1) == (200, [])


def test_a_page_without_its_trailer(client, faults):
    status, right = client.fills(page=1)
    faults.once(Fault.NO_TRAILER)
    assert client.fills(page=1) == (status, right[:-1])


def test_a_page_count_that_changed(client, faults):
    _, right = client.fills(page=2)
    faults.once(Fault.CHANGED_PAGES)
    assert client.fills(page=2) == (200, [*right[:-1], "Page 2/3"])


def test_rows_that_move_on_between_two_pages(client, faults):
    (_, first), (_, second) = client.fills(page=1), client.fills(page=2)
    faults.once(Fault.SHIFTED_PAGES)
    assert client.fills(page=1)[1] == first
    status, lines = client.fills(page=2)
    assert (status, lines[0], lines[-1]) == (200, second[0], "Page 2/2")
    assert lines[1:-1] == [first[-2], *second[1:-2]]
    assert client.fills(page=2)[1] == second
    assert faults.injected == {Fault.SHIFTED_PAGES: 1}


def test_a_header_with_other_columns(client, faults):
    _, right = client.fills(page=1)
    faults.once(Fault.WRONG_HEADER)
    status, lines = client.fills(page=1)
    assert (status, lines[1:]) == (200, right[1:])
    names = lines[0].split(",")
    assert len(names) == len(right[0].split(","))
    assert not set(names) & set(right[0].split(","))


def test_a_reply_cut_in_the_middle(client, faults):
    whole = len("\n".join(client.fills(page=1)[1]).encode())
    faults.once(Fault.CUT)
    with pytest.raises(CONNECTION_LOST) as caught:
        client.fills(page=1)
    expected = rf"\({whole // 2} bytes read, {whole - whole // 2} more expected\)"
    assert re.search(expected, str(caught.value))
    assert client.fills(page=1)[0] == 200


def test_a_dropped_connection(client, faults):
    faults.once(Fault.DROP)
    with pytest.raises(CONNECTION_LOST, match="without response"):
        client.fills(page=1)
    assert client.fills(page=1)[0] == 200


def test_an_answer_that_comes_too_late(client, faults):
    faults.once(Fault.TIMEOUT, action="version", times=2)
    faults.delay_seconds = 0.3
    data = {"action": "version"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(client.simulator.url, data=data, timeout=0.05)
    started = time.monotonic()
    reply = requests.post(client.simulator.url, data=data, timeout=10)
    assert time.monotonic() - started >= 0.3
    assert reply.text.startswith("v0.0.0-sim")


def test_a_client_that_hung_up_makes_no_noise(client, faults, capfd):
    faults.once(Fault.TIMEOUT, action="version")
    faults.delay_seconds = 0.1
    host = urlsplit(client.simulator.url)
    with socket.create_connection((host.hostname, host.port)) as connection:
        # Closing resets the connection, so that the answer fails to be written.
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.sendall(
            b"POST /api.php HTTP/1.1\r\nContent-Length: 14\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\naction=version"
        )
        while not faults.injected:
            time.sleep(0.01)
    time.sleep(0.3)
    assert capfd.readouterr().err == ""


def test_a_waiting_client_does_not_hold_up_the_end():
    with ThreadPoolExecutor() as pool:
        with serve(firm_of(2)) as simulator:
            simulator.faults.once(Fault.TIMEOUT, action="version")
            data = {"action": "version"}
            waiting = pool.submit(requests.post, simulator.url, data=data, timeout=60)
            while not simulator.faults.injected:
                time.sleep(0.01)
            started = time.monotonic()
        assert time.monotonic() - started < 5
        waiting.exception(timeout=5)


def statuses(client, count, action="version", **fields):
    return [client.post(action, **fields)[0] for _ in range(count)]


def test_a_fault_waits_and_is_repeated(client, faults):
    faults.once(Fault.ERROR, action="version", times=2, after=1)
    assert statuses(client, 1, action="accounts") == [200]
    assert statuses(client, 5) == [200, 500, 500, 200, 200]


def test_orders_come_one_after_the_other(client, faults):
    faults.once(Fault.BUSY, action="version", times=2)
    faults.once(Fault.ERROR, action="version")
    faults.once(Fault.BAD_GATEWAY, action="version", after=4)
    assert statuses(client, 6) == [429, 429, 500, 200, 502, 200]


def test_a_fault_of_a_page(client, faults):
    faults.once(Fault.ERROR, page=2)
    assert [client.fills(page=page)[0] for page in (1, 2, 1, 2)] == [200, 500, 200, 200]


def test_an_alteration_waits_for_a_reply_that_it_can_alter(client, faults):
    faults.once(Fault.NO_TRAILER)
    assert client.fills()[1][-1].endswith(",2")
    assert client.fills(page=9)[0] == 500
    assert not faults.injected
    assert client.fills(page=1)[1][-1] != "Page 1/2"


def test_a_faulty_log_in_and_log_out(client, faults):
    faults.once(Fault.UNAVAILABLE, action="login")
    assert Client(client.simulator).token == "Service unavailable."
    faults.once(Fault.DROP, action="logout")
    with pytest.raises(CONNECTION_LOST):
        client.post("logout")


def test_faults_by_chance_are_the_same_for_the_same_seed(client, faults):
    kinds = (Fault.BUSY, Fault.BAD_GATEWAY, Fault.NO_TRAILER)

    def seen(seed):
        faults.random(0.3, kinds, seed=seed)
        return statuses(client, 200)

    first = seen(1)
    counted = Counter(first)
    assert counted.keys() == {200, 429, 502}
    assert 30 <= counted[429] + counted[502] <= 90
    # `version` has no trailer to lose.
    assert faults.injected == {
        Fault.BUSY: counted[429],
        Fault.BAD_GATEWAY: counted[502],
    }
    assert seen(1) == first
    assert seen(2) != first


def test_faults_by_chance_hit_every_action(client, faults):
    faults.random(1.0, [Fault.BUSY], seed=1)
    actions = ("login", "logout", "version", "accounts", "fills", "nonsense")
    assert [client.post(action)[0] for action in actions] == [429] * len(actions)


def test_clear_ends_all_faults_and_keeps_the_count(client, faults):
    faults.random(1.0, [Fault.BUSY], seed=1)
    faults.once(Fault.ERROR, action="version", times=5)
    assert statuses(client, 1) == [500]
    faults.clear()
    assert statuses(client, 3) == [200] * 3
    assert faults.injected == {Fault.ERROR: 1}


def test_every_fault_is_given_as_often_as_ordered_to_clients_at_once():
    settings = {"as_of": date(2026, 1, 1), "rate_limit": 10_000}
    with serve(firm_of(2), **settings) as simulator, ThreadPoolExecutor(8) as pool:
        simulator.faults.once(Fault.BUSY, action="version", times=50)
        clients = [Client(simulator) for _ in range(8)]
        seen = Counter()
        for found in pool.map(lambda one: statuses(one, 20), clients):
            seen.update(found)
        assert seen == {429: 50, 200: 110}
        assert simulator.faults.injected[Fault.BUSY] == 50


def test_spoiled_requests_are_logged(client, faults):
    faults.once(Fault.DROP)
    with pytest.raises(CONNECTION_LOST):
        client.fills(page=1)
    assert client.simulator.requests[-1][0] == "fills"
