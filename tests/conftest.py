"""Fixtures: settings apart from this machine's, and one sample run for all tests."""

import fcntl
import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import hypothesis
import pytest

from runtime.home import Home
from runtime.settings import ENV_FILE, PROJECT_ROOT, Settings
from tests import draws

if TYPE_CHECKING:
    from tests.mail_server import Desk
    from tests.operations.tiny_desk import TinyMorning

REAL_DATA = PROJECT_ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`, which `make test-long` gives."""
    parser.addoption("--long", action="store_true", help="draw more (tests/draws.py)")


def pytest_configure(config: pytest.Config) -> None:
    """Let the tests know how much to draw, while they are collected."""
    draws.is_long = config.getoption("long")
    # How long an example takes depends on what else the machine does.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")
    config.addinivalue_line("markers", "few(n): so many of its cases, and all if long")
    config.addinivalue_line("markers", "long: of a long draw alone")
    gc.set_threshold(100_000, 20, 50)


# So many modules are looked through by each collection of garbage: a load makes four.
UNFROZEN_MODULES = 20
_frozen_modules = 0


def pytest_runtest_setup() -> None:
    """Keep what tests before have imported out of each collection of garbage."""
    global _frozen_modules
    if len(sys.modules) > _frozen_modules + UNFROZEN_MODULES:
        _frozen_modules = len(sys.modules)
        gc.collect()
        gc.freeze()


# Or a worker is alone with one of them at the end, and the others have nothing to do.
# The first one makes the sample; who needs it comes later, and waits for nobody.
LONGEST_FIRST = (
    "test_limits", "test_build_chain", "test_currencies", "test_rebuild",
    "test_corporate_actions", "test_data_quality", "test_shrunk_and_doubled",
    "test_sweep", "test_equity", "test_features", "test_faults", "test_model_health",
    "test_daily", "test_live_desk", "test_board", "test_sample", "test_desk",
    "test_dbt_project", "test_pipeline", "test_publish", "test_point_in_time",
    "test_bad_input", "test_walk_forward", "test_gate", "test_kills",
    "test_simulator_sample", "test_unchanged", "test_session_dates",
    "test_daily_report", "test_parsed_batch", "test_account_roles",
    "test_against_warehouse", "test_coverage", "test_models", "test_desk_files",
    "test_pnl", "test_adjustments", "test_lineage_site", "test_upgrade",
)  # fmt: skip


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Order the modules, each a worker's whole; leave some cases to long draws."""
    left = _left_to_long_draws(items)
    config.hook.pytest_deselected(items=[one for one in items if one in left])
    items[:] = [one for one in items if one not in left]
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def _left_to_long_draws(items: list[pytest.Item]) -> set[pytest.Item]:
    """Tests marked `long`; of those marked `few(n)`, all cases but n, evenly chosen."""
    if draws.is_long:
        return set()
    left = {item for item in items if item.get_closest_marker("long")}
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("few"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for alike in cases.values():
        few = alike[0].get_closest_marker("few").args[0]
        kept = {len(alike) * place // few for place in range(few)}
        left |= {one for place, one in enumerate(alike) if place not in kept}
    return left


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """A developer's environment must not change what a test does."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)


@pytest.fixture(autouse=True, scope="session")
def _dbt_is_shared() -> None:
    """Of a test alone most of the time is imports."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.shared_dbt import share_dbt

        share_dbt()


def make_settings(**values: object) -> Settings:
    """Settings from these values alone, without `.env`; tests beside need a core."""
    return Settings(_env_file=None, **({"threads": 1} | values))


@dataclass(frozen=True)
class Run:
    """What `python -m daily` did."""

    code: int
    out: str
    err: str


def run_daily(*arguments: str, **environment: object) -> Run:
    """Run `python -m daily` as a process of its own, with these settings only."""
    with start_daily(*arguments, **environment) as process:
        try:
            out, err = process.communicate(timeout=600)
        finally:
            process.kill()
    return Run(process.returncode, out, err)


def start_daily(*arguments: str, **environment: object) -> subprocess.Popen:
    """Start `python -m daily` with these settings only."""
    return start_python("-m", "daily", *arguments, **environment)


def start_python(
    *arguments: str, stdin: int | None = None, **environment: object
) -> subprocess.Popen:
    """Start Python with these settings only."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT_ROOT,
        env=kept
        | {ENV_FILE: ""}
        | {name: str(value) for name, value in environment.items()},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class SampleRun:
    """The sample firm's morning, run once for all tests.

    Attributes:
        home: A copy of this worker's; some tests run it again.
        run: What the run said.
        untouched: As the one run left it; nobody writes there.
    """

    home: Home
    run: Run
    untouched: Home


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    """`make daily` on the sample, from nothing; run by who needs it first."""
    first, run = made_once(
        tmp_path_factory,
        "sample",
        lambda folder: run_daily("run", SOURCE="sample", RISK_HOME=folder),
    )
    # Of one's own, for some tests run it again.
    home = Home(tmp_path_factory.mktemp("sample"))
    shutil.copytree(first, home.root, symlinks=True, dirs_exist_ok=True)
    return SampleRun(home, run, Home(first))


@pytest.fixture(scope="session")
def tiny_morning(tmp_path_factory: pytest.TempPathFactory) -> "TinyMorning":
    """Of one account and two days; run by who needs it first."""
    from tests.operations.tiny_desk import TinyMorning, run_tiny_desk

    return TinyMorning(*made_once(tmp_path_factory, "tiny_morning", run_tiny_desk))


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Run]
) -> tuple[Path, Run]:
    """A folder that a run filled, once for all workers; nobody writes there again."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made, said = folder / name, folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            run = make(made)
            assert run.code == 0, run.err + run.out
            said.write_text(json.dumps(asdict(run)))
    return made, Run(**json.loads(said.read_text()))


@contextmanager
def connected(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a warehouse."""
    connection = duckdb.connect(home.warehouse, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def rows(home: Home, sql: str) -> list[tuple]:
    """The rows of a query on a warehouse."""
    with connected(home) as connection:
        return connection.execute(sql).fetchall()


def rows_of_each(home: Home, queries: Mapping[str, str]) -> dict[str, list[tuple]]:
    """The rows of several queries; to open a warehouse takes longer than most."""
    with connected(home) as connection:
        return {
            name: connection.execute(sql).fetchall() for name, sql in queries.items()
        }


BuildWarehouse = Callable[..., Home]


def build_warehouse(
    folder: Path,
    exports: Path,
    *,
    models: str = "",
    data_tests: bool | None = None,
    **settings: object,
) -> Home:
    """Ingest a folder of exports and build every model before scoring.

    Args:
        models: dbt's selection of those to build, where a test reads few of them.
        data_tests: Whether dbt's run as well, half of a build's time; left out, in a
            long draw alone. The sample and the adversarial firm always pass them.
    """
    from ingestion.pipeline import bring_up_to_date

    chosen = make_settings(
        source="files", exports=exports, risk_home=folder, **settings
    )
    home = bring_up_to_date(chosen).home
    build_models_of(chosen, home, models=models, data_tests=data_tests)
    return home


def build_models_of(
    settings: Settings,
    home: Home,
    *options: str,
    selector: str = "before_scoring",
    models: str = "",
    data_tests: bool | None = None,
) -> list:
    """Build the models of a selector; of the rest, see `build_warehouse`."""
    from runtime.transform.dbt import run_dbt

    if not (draws.is_long if data_tests is None else data_tests):
        options = ("--exclude-resource-type", "test", *options)
    chosen = ("--selector", selector)
    if models:
        # No data test of what is not built.
        chosen = ("--select", *models.split(), "--indirect-selection", "cautious")
    return run_dbt(
        settings, home, "build", *chosen,
        "--exclude-resource-type", "unit_test", "--no-write-json", *options,
    )  # fmt: skip


def build_by_plan(settings: Settings, home: Home, models: str, **options: int) -> str:
    """As `make build`, of what is built by plan and of these; what it says."""
    from runtime.transform import build
    from runtime.transform.dbt import run_dbt

    def narrowed(
        settings: Settings, home: Home, *arguments: str, **more: object
    ) -> list:
        place = arguments.index("--selector")
        wanted = ("--select", "+tag:planned", *models.split())
        chosen = (*arguments[:place], *wanted, *arguments[place + 2 :])
        return run_dbt(settings, home, *chosen, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "run_dbt", narrowed)
        return build.build_models(
            settings, home, "--exclude-resource-type", "test", "--no-write-json",
            **options,
        )[0]  # fmt: skip


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of nobody for this machine, and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def desk(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator["Desk"]:
    """A mail server whose certificate is trusted."""
    from tests.mail_server import mail_server

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(certificate) as memory:
        yield memory


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write one, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, False)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, key_file
