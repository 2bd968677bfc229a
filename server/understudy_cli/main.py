"""The command line: `understudy COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path

import uvloop

from understudy import __version__
from understudy_cli import commands, doctor, keys
from understudy_cli.configuration import Configuration, load, with_functions
from understudy_cli.settings import SETTINGS, SettingsError
from understudy_server import logs
from understudy_server.errors import DomainError
from understudy_server.store.opener import InvalidStoreUrl

_FLAGS = {
    "serve": ("host", "port", "store", "grpc", "workers", "no_auth"),
    "core": ("store", "grpc", "no_auth"),
    "edge": ("host", "port", "core"),
    "keys": ("store",),
    "doctor": ("host", "port", "store", "grpc", "no_auth"),
}
_HELP = {
    "serve": "run the whole server in one process",
    "core": "run the gRPC core alone",
    "edge": "run the REST edge alone, in front of a core",
    "keys": "make, list and revoke API keys",
    "doctor": "check the installation and say what is wrong",
}
_RUNS_FUNCTIONS = ("serve", "core")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 1 when something failed, 2 for a mistake of the caller."""
    parsed = parser().parse_args(arguments)
    flags = {name: getattr(parsed, name, None) for name in _FLAGS[parsed.command]}
    flags["config"] = parsed.config
    if parsed.command == "doctor":
        return doctor.run(flags, os.environ, Path.cwd())
    try:
        configuration = load(flags, os.environ, Path.cwd())
        logs.configure(
            format=configuration.values["log_format"],
            level=configuration.values["log_level"],
            component=parsed.command,
        )
        if parsed.command in _RUNS_FUNCTIONS:
            configuration = with_functions(configuration, Path.cwd())
        uvloop.run(_command(parsed, configuration))
    except (SettingsError, InvalidStoreUrl) as error:
        sys.stderr.write(f"understudy: {error}\n")
        return 2
    except (DomainError, OSError) as error:
        sys.stderr.write(f"understudy: {error}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="understudy", description="The OpenAI Assistants API, on your own machine."
    )
    top.add_argument("--version", action="version", version=__version__)
    commands_ = top.add_subparsers(dest="command", required=True)
    for command, help_ in _HELP.items():
        flags = _flags(command)
        if command == "keys":
            sub = commands_.add_parser(command, help=help_, description=help_)
            _add_key_commands(sub, flags)
        else:
            commands_.add_parser(command, help=help_, description=help_, parents=[flags])
    return top


def _flags(command: str) -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--config", metavar="FILE", help="configuration file (TOML)")
    for setting in SETTINGS:
        if setting.name not in _FLAGS[command]:
            continue
        flag = f"--{setting.name.replace('_', '-')}"
        if setting.default == "false":
            flags.add_argument(flag, action="store_const", const="true", help=setting.meaning)
        else:
            text = f"{setting.meaning} Default: {setting.default}".replace("%", "%%")
            flags.add_argument(flag, metavar=setting.name.upper(), help=text)
    return flags


def _add_key_commands(sub: argparse.ArgumentParser, flags: argparse.ArgumentParser) -> None:
    actions = sub.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a key and print it", parents=[flags])
    create.add_argument("--project", default="default", help="what the key may see")
    create.add_argument("--name", default="", help="for your own memory")
    actions.add_parser("list", help="list all keys", parents=[flags])
    revoke = actions.add_parser("revoke", help="end a key", parents=[flags])
    revoke.add_argument("which", metavar="ID", help="its id, or enough of its beginning")


def _command(
    parsed: argparse.Namespace, configuration: Configuration
) -> Coroutine[None, None, None]:
    match parsed.command, getattr(parsed, "action", None):
        case "serve", _:
            return commands.serve(configuration)
        case "core", _:
            return commands.core(configuration)
        case "edge", _:
            return commands.edge(configuration)
        case "keys", "create":
            return keys.create(configuration, project=parsed.project, name=parsed.name)
        case "keys", "list":
            return keys.list_all(configuration)
        case _:
            return keys.revoke(configuration, which=parsed.which)
