"""From where to where. Pure, but for following links to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from understudy_cli.older_names import with_key
from understudy_cli.setting import SettingsError
from understudy_server.store.copying.decisions import identity
from understudy_server.store.opener import parse_sqlite
from understudy_server.store.shown_url import shown_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Two store URLs. Files have absolute paths, and are for this process alone."""

    source: str
    target: str

    @property
    def origin(self) -> str:
        """Which store the source is, whatever way it is reached, without secrets."""
        return identity(self.source)


def ends(
    source: str, target: str, environment: Mapping[str, str], variables: Mapping[str, str]
) -> Ends:
    """Raises ``SettingsError`` or ``InvalidStoreUrl``. ``variables``: of `.env` as well as of the environment."""
    found = Ends(
        source=with_key(_whole("FROM_URL", source, variables), environment, variables),
        target=with_key(_whole("TO_URL", target, variables), environment, variables),
    )
    if found.origin == identity(found.target):
        raise SettingsError(f"FROM_URL and TO_URL are the same store ({shown_url(found.source)})")
    file = file_of(found.source)
    if file is not None and not file.exists():
        raise SettingsError(f"FROM_URL: there is no file {file}")
    return found


def file_of(url: str) -> Path | None:
    return parse_sqlite(url).path if url.startswith("sqlite://") else None


def _whole(name: str, text: str, variables: Mapping[str, str]) -> str:
    prefix, colon, variable = text.partition(":")
    if prefix == "env" and colon:
        if not variables.get(variable):
            raise SettingsError(f"{name}: the environment variable {variable!r} is not set")
        text = variables[variable]
    if text.startswith("memory:"):
        raise SettingsError(f"{name}: what memory:// holds ends with this command")
    file = file_of(text)
    if file is None:
        return text
    return f"sqlite:///{file.absolute().resolve()}"
