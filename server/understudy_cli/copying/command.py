"""Opens both ends, copies, and says how it went."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from understudy_cli.commands import stop_signals
from understudy_cli.configuration import read_variables
from understudy_cli.copying.ends import Ends, ends, file_of
from understudy_cli.copying.progress import Progress
from understudy_cli.setting import SettingsError
from understudy_server.clock import Clock, SystemClock
from understudy_server.errors import StoreError, StoreUnavailable
from understudy_server.store.copying.comparing import Copyable
from understudy_server.store.copying.copier import Copied, Copier
from understudy_server.store.copying.outcome import CopyFailed, CopyRefused
from understudy_server.store.file_lock import FileInUse
from understudy_server.store.opener import InvalidStoreUrl, open_store
from understudy_server.store.port import Scannable, Store
from understudy_server.store.shown_url import shown_url

DONE, FAILED, MISTAKEN, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses. After the second and the last the same command goes on where this one ended."""

_AGAIN = "give the same command again to go on"


_FILES = (
    "The bytes of files are not in a store and were not copied: give the servers of the target the same "
    "UNDERSTUDY_FILES, or a copy of what is there.\n"
)


class _NotOpened(StoreUnavailable):
    """Nothing was copied yet."""


def run(
    source: str, target: str, *, force: bool, environment: Mapping[str, str], folder: Path
) -> int:
    """The exit status. ``folder``: the working folder, whose ``.env`` counts as environment."""
    try:
        chosen = ends(source, target, environment, read_variables(environment, folder))
        copied = uvloop.run(_run(chosen, force=force))
    except (SettingsError, InvalidStoreUrl, CopyRefused) as error:
        return _tell(f"{error}", MISTAKEN)
    except CopyFailed as error:
        return _tell(f"the copy is not complete: {error}", FAILED)
    except _NotOpened as error:
        return _tell(f"{error}", FAILED)
    except (StoreError, OSError) as error:
        return _tell(f"{error} - {_AGAIN}", FAILED)
    if copied is None:
        return _tell(f"interrupted: {_AGAIN}", INTERRUPTED)
    there = copied.counts.records + copied.counts.entries - copied.written
    earlier = f" ({there:,} were there from an earlier start)" if copied.resumed else ""
    sys.stdout.write(f"copied and verified: {copied.counts}{earlier}\n")
    sys.stderr.write(_FILES)
    return DONE


async def _run(chosen: Ends, *, force: bool) -> Copied | None:
    """None when it was told to stop."""
    clock = SystemClock()
    with stop_signals() as stopped:
        copying = asyncio.create_task(_copy(chosen, clock, force=force))
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({copying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not copying.done():
            copying.cancel()
            # What is being written is finished before the stores close.
            sys.stderr.write("stopping\n")
            await asyncio.wait({copying})
        return None if copying.cancelled() else copying.result()


async def _copy(chosen: Ends, clock: Clock, *, force: bool) -> Copied:
    async with AsyncExitStack() as stack:
        # The lock of a file is what tells that its servers are stopped.
        source = await _open("source", chosen.source, clock, stack, beside=force)
        target = await _open("target", chosen.target, clock, stack, beside=False)
        sys.stderr.write(f"copying {shown_url(chosen.source)} to {shown_url(chosen.target)}\n")
        copier = Copier(
            source,
            target,
            origin=chosen.origin,
            clock=clock,
            report=Progress(clock, sys.stderr),
            force=force,
        )
        return await copier.run()


async def _open(
    which: str, url: str, clock: Clock, stack: AsyncExitStack, *, beside: bool
) -> Copyable:
    try:
        store = await open_store(url, clock, beside=beside, unfinished=True)
    except InvalidStoreUrl as error:
        raise InvalidStoreUrl(f"{which}: {error}") from None
    except FileInUse as error:
        force = ", or copy in spite of that with --force" if which == "source" else ""
        words = f"{which}: {file_of(url)} is in use by a server: stop it{force}"
        raise CopyRefused(words) from error
    except StoreUnavailable as error:
        raise _NotOpened(f"{which}: {error}") from error
    stack.push_async_callback(store.close)
    return _copyable(which, url, store)


def _copyable(which: str, url: str, store: Store) -> Copyable:
    if not isinstance(store, Scannable):
        scheme = url.partition("://")[0]
        raise CopyRefused(f"{which}: a {scheme} store cannot be copied")
    return store


def _tell(words: str, status: int) -> int:
    sys.stderr.write(f"understudy copy: {words}\n")
    return status
