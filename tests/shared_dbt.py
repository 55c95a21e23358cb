"""dbt's own work, done once for all builds of one process, or not at all.

Beyond what `runtime.transform.quicker_dbt` leaves out of every build: what counts where
one process builds many tiny firms. What is sent to DuckDB is the same to the letter.
"""

import pickle
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


@cache
def share_dbt() -> None:
    """Between the builds of this process."""
    _make_one_empty_table()
    _know_that_the_graph_is_sound()
    _draw_no_edges_of_tests_that_do_not_run()
    _read_the_manifest_once()


def _make_one_empty_table() -> None:
    from dbt_common.clients import agate_helper

    # No table of agate is ever written to.
    empty = agate_helper.empty_table()
    for module in ("dbt.adapters.sql.connections", "dbt.adapters.base.impl"):
        import_module(module).empty_table = lambda: empty
    agate_helper.empty_table = lambda: empty


def _know_that_the_graph_is_sound() -> None:
    # `make daily` of the sample, a process of its own, looks for cycles.
    from dbt.compilation import Linker

    Linker.find_cycles = lambda _: None
    Linker.get_graph_summary = lambda *_: {}


def _draw_no_edges_of_tests_that_do_not_run() -> None:
    # Twelve edges in thirteen; a model waits for the models of a test anyway.
    from dbt.compilation import Linker
    from dbt.flags import get_flags

    add = Linker.add_test_edges

    def add_test_edges(self: Linker, manifest: object) -> None:
        if "test" not in get_flags().EXCLUDE_RESOURCE_TYPES:
            add(self, manifest)

    Linker.add_test_edges = add_test_edges


def _read_the_manifest_once() -> None:
    # dbt's own reader looks at each of its cells.
    from dbt.plugins.manager import PluginManager

    from runtime.transform.parsed_manifest import ParsedManifest

    read_file = ParsedManifest.read
    kept: dict[tuple, bytes] = {}

    def read(self: ParsedManifest) -> "Manifest | None":
        if not self.path.exists():
            return read_file(self)
        file = self.path.stat()
        key = (self.path, file.st_mtime_ns, file.st_size)
        if key not in kept:
            kept[key] = pickle.dumps(read_file(self))
        return pickle.loads(kept[key])

    ParsedManifest.read = read
    # Every folder of Python's path is looked through for plug-ins of dbt.
    PluginManager.get_prefixed_modules = cache(PluginManager.get_prefixed_modules)
