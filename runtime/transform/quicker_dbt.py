"""Leaves out what dbt does for each node and nobody reads: a fifth of a new day.

Every statement stays as dbt makes it, to the letter, and so does every line of the log.
Only versions that were looked at are changed; any other is left as it comes.
"""

# Methods of dbt are what is replaced.
# mypy: disable-error-code="method-assign, assignment"

import json
import logging
import re
from collections import ChainMap
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from types import CodeType, MappingProxyType, SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
    from dbt.context.manifest import ManifestContext
    from dbt.contracts.graph.nodes import Macro

# Those whose source this was written beside. A test fails for others: look again.
LOOKED_AT: Mapping[str, str] = MappingProxyType(
    {"dbt-core": "1.11.16", "dbt-common": "1.39.0"}
)
# Up to where dbt puts ephemeral models: comments, `with`, blanks.
_HEAD = re.compile(r"(\s|--[^\n]*\n)*with\s+(?!recursive\b)", re.IGNORECASE)

_logger = logging.getLogger(__name__)


@cache
def make_dbt_quicker() -> bool:
    """In this process, once; whether it was done."""
    found = {package: version(package) for package in LOOKED_AT}
    if found != LOOKED_AT:
        _logger.info("a new day takes longer: nobody looked at %s yet", found)
        return False
    _compile_dataclasses_when_used()
    _write_no_debug_events()
    _put_statements_together_by_their_heads()
    _compile_each_template_once()
    _make_a_macro_when_it_is_called()
    _write_a_file_at_once()
    _say_the_same_of_the_run_to_each_node()
    _know_the_types_of_results()
    return True


def _compile_dataclasses_when_used() -> None:
    # Hundreds, of which a run reads or writes a few.
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True


def _write_no_debug_events() -> None:
    # Thousands, each written out twice as a message of protobuf before it is dropped.
    from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
    from dbt_common.events.event_manager import EventManager

    fire, write = EventManager.fire_event, BaseEvent.__init__
    look_up = BaseEvent.__getattr__

    def fire_event(
        self: EventManager,
        e: BaseEvent,
        level: EventLevel | None = None,
        *more: Any,
        **named: Any,
    ) -> None:
        if (level or e.level_tag()) not in (EventLevel.DEBUG, EventLevel.TEST):
            fire(self, e, level, *more, **named)

    def init(self: BaseEvent, *more: object, **named: object) -> None:
        if isinstance(self, DebugLevel):
            self.__dict__["unwritten"] = (more, named)
        else:
            write(self, *more, **named)

    def getattr_(self: BaseEvent, name: str) -> object:
        # Raised to another level after all.
        if name == "pb_msg" and "unwritten" in self.__dict__:
            more, named = self.__dict__.pop("unwritten")
            write(self, *more, **named)
            return self.pb_msg
        return look_up(self, name)

    EventManager.fire_event = fire_event
    BaseEvent.__init__ = init
    BaseEvent.__getattr__ = getattr_


def _put_statements_together_by_their_heads() -> None:
    # dbt parses all of a statement to find its `with`.
    from dbt import compilation

    inject = compilation.inject_ctes_into_sql

    def injected(sql: str, ctes: list) -> str:
        head = _HEAD.match(sql)
        if not ctes or not head:
            return inject(sql, ctes)
        parts = ", ".join(one.sql for one in ctes)
        return f"{head[0]}{parts}, {sql[head.end() :]}"

    compilation.inject_ctes_into_sql = injected


def _compile_each_template_once() -> None:
    # Tests of one kind are one text.
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    compile_template = MacroFuzzEnvironment.compile
    kept: dict[tuple, CodeType] = {}

    def compiled(
        self: MacroFuzzEnvironment, source: str, *more: Any, **named: Any
    ) -> CodeType:
        key = (type(self), source, more, tuple(named.items()))
        if key not in kept:
            kept[key] = compile_template(self, source, *more, **named)
        return kept[key]

    MacroFuzzEnvironment.compile = compiled


def _make_a_macro_when_it_is_called() -> None:
    # Every node gets some 650, twice, and uses a dozen. Each knows its node's context,
    # which knows it, so that none goes before the collection of garbage.
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.base import BaseContext
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
    from dbt.context.manifest import ManifestContext
    from dbt_common.clients.jinja import MacroFuzzTemplate, NativeSandboxTemplate

    begin, put_in = BaseContext.__init__, ManifestContext.to_dict

    def init(self: BaseContext, *more: Any, **named: Any) -> None:
        begin(self, *more, **named)
        self._ctx = _Names()

    def build_namespace(
        self: "MacroNamespaceBuilder", macros_by_package: dict, ctx: dict
    ) -> "MacroNamespace":
        def named(macros: Mapping[str, "Macro"]) -> dict:
            return _Names(
                macros,
                lambda name: MacroGenerator(
                    macros[name], ctx, self.node, self.thread_ctx
                ),
            )

        ours = {
            package: macros
            for package, macros in macros_by_package.items()
            if package not in self.internal_package_names
        }
        of_dbt = [
            macros_by_package.get(package, {})
            for package in self.internal_package_names_order
        ]
        is_of_root = self.search_package == self.root_package
        return MacroNamespace(
            # Of their own: a unit test overrides a package's macro there alone.
            {} if is_of_root else named(ours.get(self.root_package, {})),
            named(ours.get(self.search_package, {})),
            named(ChainMap(*of_dbt)),
            {package: named(macros) for package, macros in ours.items()},
        )

    def to_dict(self: "ManifestContext") -> dict:
        if not isinstance(self.namespace, MacroNamespace):
            return put_in(self)
        made: Any = super(ManifestContext, self).to_dict()
        # A macro stands before what dbt itself gives a node by the same name.
        for name in [*made]:
            if name in self.namespace:
                made[name] = self.namespace[name]
        made.stand_for(self.namespace, self.namespace.__getitem__)
        return made

    BaseContext.__init__ = init
    # Of a test's arguments: not of a copy that has only what was named so far.
    NativeSandboxTemplate.new_context = MacroFuzzTemplate.new_context
    MacroNamespaceBuilder.build_namespace = build_namespace
    ManifestContext.to_dict = to_dict


class _Names(dict):
    """What a template may name, made as it is named; gone through without the rest."""

    def __init__(
        self,
        others: Container[str] = (),
        make: Callable[[str], Any] = KeyError,
    ) -> None:
        self.stand_for(others, make)

    def stand_for(self, others: Container[str], make: Callable[[str], Any]) -> None:
        self._others, self._make = others, make

    def __missing__(self, name: str) -> Any:
        if name not in self._others:
            raise KeyError(name)
        made = self[name] = self._make(name)
        return made

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._others

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


def _write_a_file_at_once() -> None:
    # The manifest is written piece by piece, by the slower of json's two encoders.
    from dbt_common.clients import system

    def dump(value: object, file: IO[str], **options: Any) -> None:
        file.write(json.dumps(value, **options))

    system.json = SimpleNamespace(dump=dump, load=json.load)


def _say_the_same_of_the_run_to_each_node() -> None:
    # Which options it has and which modules of Python there are: made twice for each.
    from dbt.context import base, providers

    args_to_dict: Callable[[object], dict] = providers.args_to_dict
    kept: tuple[object, dict] = (None, {})

    def of_options(options: object) -> dict:
        nonlocal kept
        if kept[0] is not options:
            kept = (options, args_to_dict(options))
        return dict(kept[1])

    providers.args_to_dict = of_options
    base.get_context_modules = cache(base.get_context_modules)


def _know_the_types_of_results() -> None:
    # Each result of a query gets a parser of dates of its own, which parses nothing.
    from dbt_common.clients import agate_helper

    make = agate_helper.build_type_tester
    kept: dict[tuple, Any] = {}

    def build_type_tester(
        text_columns: Iterable[str], string_null_values: Iterable[str] = ("null", "")
    ) -> Any:
        nulls = tuple(string_null_values)
        if nulls not in kept:
            kept[nulls] = make((), nulls)
        types = kept[nulls]._possible_types
        force = dict.fromkeys(text_columns, types[-1])
        return type(kept[nulls])(force=force, types=types)

    agate_helper.build_type_tester = build_type_tester
