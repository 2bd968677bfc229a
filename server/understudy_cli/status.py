"""How a command ends: the exit status, and what is said of a failure."""

from __future__ import annotations

import sys
from collections.abc import Callable

from understudy_cli.setting import SettingsError
from understudy_cli.workers.process import WorkerFailed
from understudy_server.blobs.opener import InvalidPlace
from understudy_server.embeddings.opener import InvalidEmbeddings
from understudy_server.errors import DomainError
from understudy_server.store.opener import InvalidStoreUrl


def exit_status(run: Callable[[], None]) -> int:
    """0, 1 when something failed, 2 for a mistake of the caller; tells on stderr which."""
    try:
        run()
    except (SettingsError, InvalidStoreUrl, InvalidPlace, InvalidEmbeddings) as error:
        sys.stderr.write(f"understudy: {error}\n")
        return 2
    except WorkerFailed as error:
        sys.stderr.write(f"understudy: {error}\n")
        return max(error.status, 1)
    except (DomainError, OSError) as error:
        sys.stderr.write(f"understudy: {error}\n")
        return 1
    return 0
