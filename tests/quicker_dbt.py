"""dbt's own work, done once for all builds of one process, or not at all.

A build of a tiny firm is Python that prepares statements; with this DuckDB has half of
its time. What is sent to DuckDB is the same to the letter; so is what the log keeps.
"""

import pickle
import re
from functools import cache
from importlib import import_module
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# Up to where dbt puts ephemeral models: comments, `with`, blanks.
HEAD = re.compile(r"(\s|--[^\n]*\n)*with\s+(?!recursive\b)", re.IGNORECASE)


def make_dbt_quicker() -> None:
    """In this process."""
    _put_statements_together_by_their_heads()
    _compile_each_template_once()
    _drop_what_no_log_keeps()
    _write_no_event_at_length_that_nobody_reads()
    _look_macros_up_by_name()
    _give_a_node_its_macros_at_once()
    _make_one_empty_table()
    _know_that_the_graph_is_sound()
    _draw_no_edges_of_tests_that_do_not_run()
    _read_the_manifest_once()


def _put_statements_together_by_their_heads() -> None:
    # dbt parses all of a statement to find its `with`, a third of a small build's time.
    from dbt import compilation

    inject = compilation.inject_ctes_into_sql

    def injected(sql: str, ctes: list) -> str:
        head = HEAD.match(sql)
        if not ctes or not head:
            return inject(sql, ctes)
        parts = ", ".join(one.sql for one in ctes)
        return f"{head[0]}{parts}, {sql[head.end() :]}"

    compilation.inject_ctes_into_sql = injected


def _compile_each_template_once() -> None:
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    compile_template = MacroFuzzEnvironment.compile
    kept: dict[tuple, CodeType] = {}

    def compiled(self: object, source: str, *more: object, **named: object) -> CodeType:
        key = (type(self), source, more, tuple(named.items()))
        if key not in kept:
            kept[key] = compile_template(self, source, *more, **named)
        return kept[key]

    MacroFuzzEnvironment.compile = compiled


def _drop_what_no_log_keeps() -> None:
    # Written out at length before it is dropped; no callback waits for it.
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.event_manager import EventManager

    fire = EventManager.fire_event

    def fire_event(
        self: EventManager, e: object, level: EventLevel | None = None, **more: object
    ) -> None:
        if (level or e.level_tag()) not in (EventLevel.DEBUG, EventLevel.TEST):
            fire(self, e, level, **more)

    EventManager.fire_event = fire_event


def _write_no_event_at_length_that_nobody_reads() -> None:
    # Each is a message of protobuf before anybody asks at which level it is.
    from dbt_common.events.base_types import BaseEvent

    write, look_up = BaseEvent.__init__, BaseEvent.__getattr__

    def init(self: BaseEvent, *more: object, **named: object) -> None:
        if type(self).level_tag.__qualname__ == "DebugLevel.level_tag":
            self.__dict__["unwritten"] = (more, named)
        else:
            write(self, *more, **named)

    def getattr_(self: BaseEvent, name: str) -> object:
        if name == "pb_msg" and "unwritten" in self.__dict__:
            more, named = self.__dict__.pop("unwritten")
            write(self, *more, **named)
            return self.pb_msg
        return look_up(self, name)

    BaseEvent.__init__, BaseEvent.__getattr__ = init, getattr_


def _give_a_node_its_macros_at_once() -> None:
    # Every node gets some 650, twice; dbt sorts them one by one.
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder

    def init(
        self: MacroGenerator,
        macro: object,
        context: dict | None = None,
        node: object = None,
        stack: object = None,
    ) -> None:
        self.macro, self.context, self.node, self.stack = macro, context, node, stack

    def build_namespace(
        self: MacroNamespaceBuilder, macros_by_package: dict, ctx: dict
    ) -> MacroNamespace:
        made = {
            package: {
                name: MacroGenerator(macro, ctx, self.node, self.thread_ctx)
                for name, macro in macros.items()
            }
            for package, macros in macros_by_package.items()
        }
        ours = {
            package: macros
            for package, macros in made.items()
            if package not in self.internal_package_names
        }
        of_dbt: dict = {}
        for package in reversed(self.internal_package_names_order):
            of_dbt |= made.get(package, {})
        is_of_root = self.search_package == self.root_package
        return MacroNamespace(
            {} if is_of_root else ours.get(self.root_package, {}),
            ours.get(self.search_package, {}),
            of_dbt,
            ours,
        )

    MacroGenerator.__init__ = init
    MacroNamespaceBuilder.build_namespace = build_namespace


def _make_one_empty_table() -> None:
    from dbt_common.clients import agate_helper

    # No table of agate is ever written to.
    empty = agate_helper.empty_table()
    for module in ("dbt.adapters.sql.connections", "dbt.adapters.base.impl"):
        import_module(module).empty_table = lambda: empty
    agate_helper.empty_table = lambda: empty


def _look_macros_up_by_name() -> None:
    from dbt.context.macros import MacroNamespace

    def keys(self: MacroNamespace) -> set[str]:
        return set(_flat(self))

    def getitem(self: MacroNamespace, name: str) -> object:
        return _flat(self)[name]

    MacroNamespace.keys = keys
    MacroNamespace.__getitem__ = getitem


def _flat(namespace: object) -> dict:
    """What a namespace finds by each name: of several, the first in its order."""
    if "flat" not in namespace.__dict__:
        namespace.flat = {}
        for part in reversed([*namespace._search_order()]):
            namespace.flat.update(part)
    return namespace.flat


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
