"""The command line: `understudy COMMAND`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path

import uvloop

from understudy import __version__
from understudy_cli import commands, copying, doctor, keys
from understudy_cli.configuration import Configuration, load, with_functions
from understudy_cli.key_arguments import add_key_commands, policy_of
from understudy_cli.object_stores import export_keys
from understudy_cli.settings import SETTINGS
from understudy_cli.status import exit_status
from understudy_cli.workers import command as workers
from understudy_server import logs

_FLAGS = {
    "serve": ("host", "port", "store", "files", "grpc", "workers", "no_auth"),
    "core": ("store", "files", "grpc", "workers", "no_auth"),
    "edge": ("host", "port", "core"),
    "keys": ("store",),
    "doctor": ("host", "port", "store", "files", "grpc", "no_auth"),
    "copy": (),
}
_HELP = {
    "serve": "run the whole server",
    "core": "run the gRPC core alone",
    "edge": "run the REST edge alone, in front of a core",
    "keys": "make, list, replace and revoke API keys",
    "doctor": "check the installation and say what is wrong",
    "copy": "copy everything from one store to another, and verify it",
}
_COPY = (
    "Copies everything from one store to another, which is empty, and verifies it. Stop the servers of both before. "
    "If it is interrupted, the same command goes on. The bytes of files are not in the store: they stay where the "
    "setting `files` says."
)
_RUNS_FUNCTIONS = ("serve", "core")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, 1 when something failed, 2 for a mistake of the caller."""
    parsed = parser().parse_args(arguments)
    if parsed.command == "copy":
        logs.configure(level="warning", component=parsed.command)
        return copying.run(
            parsed.source,
            parsed.target,
            force=parsed.force,
            environment=os.environ,
            folder=Path.cwd(),
        )
    flags = {name: getattr(parsed, name, None) for name in _FLAGS[parsed.command]}
    flags["config"] = parsed.config
    export_keys(os.environ, Path.cwd())
    if parsed.command == "doctor":
        return doctor.run(flags, os.environ, Path.cwd())
    return exit_status(lambda: _run(parsed, flags))


def _run(parsed: argparse.Namespace, flags: Mapping[str, str | None]) -> None:
    configuration = load(flags, os.environ, Path.cwd())
    values = configuration.values
    logs.configure(format=values["log_format"], level=values["log_level"], component=parsed.command)
    if parsed.command not in _RUNS_FUNCTIONS:
        uvloop.run(_command(parsed, configuration))
    elif values["workers"] > 1:
        uvloop.run(workers.run(parsed.command, configuration, flags))
    else:
        uvloop.run(_command(parsed, with_functions(configuration, Path.cwd())))


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
            add_key_commands(sub, flags)
        elif command == "copy":
            _add_copy_arguments(commands_.add_parser(command, help=help_, description=_COPY))
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


def _add_copy_arguments(sub: argparse.ArgumentParser) -> None:
    by_name = "a store URL, or env:NAME for one that the environment variable NAME holds"
    sub.add_argument("source", metavar="FROM_URL", help=by_name)
    sub.add_argument("target", metavar="TO_URL", help="the same, of the store to be filled")
    sub.add_argument(
        "--force",
        action="store_true",
        help="copy although a server seems to be at work on FROM_URL",
    )


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
            return keys.create(
                configuration, project=parsed.project, name=parsed.name, policy=policy_of(parsed)
            )
        case "keys", "list":
            return keys.list_all(configuration)
        case "keys", "rotate":
            return keys.rotate(configuration, which=parsed.which, overlap=parsed.overlap)
        case _:
            return keys.revoke(configuration, which=parsed.which, with_created=parsed.with_created)
