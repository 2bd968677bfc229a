"""From the name of a Python module to the functions that it offers."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from understudy_server.clock import Clock
from understudy_server.tools.decorator import options_of
from understudy_server.tools.registry import DEFAULT_TIMEOUT, Registry
from understudy_server.tools.schema import InvalidFunction


def load_functions(
    name: str, folder: Path, *, clock: Clock, timeout: float = DEFAULT_TIMEOUT
) -> Registry:
    """Imports the module ``name`` from ``folder`` or ``sys.path``, once per process.

    Offered is its list ``functions`` if there is one, else every public function that is marked with
    ``@function``. Raises ``InvalidFunction``.
    """
    module = _import(name, folder)
    offered = list(_offered(module))
    if not offered:
        raise InvalidFunction(
            f"module {name} offers no function: mark some with @understudy_server.tools.function"
        )
    return Registry(offered, clock=clock, timeout=timeout)


def _import(name: str, folder: Path) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")) or name.endswith(".py"):
        raise InvalidFunction(f"'{name}' is no name of a module, such as shop or shop.functions")
    # As `python -m` does. It stays, because a function may import its neighbours when it is called.
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise InvalidFunction(
                f"there is no module {error.name} in {folder} or where Python looks for packages"
            ) from None
        raise InvalidFunction(_failed(name, error)) from error
    except (Exception, SystemExit) as error:
        raise InvalidFunction(_failed(name, error)) from error


def _failed(name: str, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"module {name} failed: {error}"
    last = extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}, line {last.lineno}"
    return f"module {name} failed: {type(error).__name__}: {error} ({where})"


def _offered(module: ModuleType) -> Iterator[Callable[..., Any]]:
    listed = getattr(module, "functions", None)
    if isinstance(listed, list | tuple):
        for each in listed:
            if not callable(each):
                raise InvalidFunction(f"{module.__name__}.functions: {each!r} is no function")
            yield each
        return
    seen: set[int] = set()
    for name, value in vars(module).items():
        if not name.startswith("_") and callable(value) and options_of(value) is not None:
            # A function may have a second name in its module.
            if id(value) not in seen:
                yield value
            seen.add(id(value))
