"""Reading the `Procfile`: which processes the product consists of, and the commands that start them.

`python -m asahi_site.procfile NAME` becomes one of them, for a container that runs nothing else.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from asahi_site.embedded.errors import LaunchError

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+)\s*:\s*(?P<command>\S.*)")
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}|\$(?P<bare>\w+)")


def read_procfile(path: Path, environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Each process's name and its command, with `$NAME`, `${NAME}` and `${NAME:-default}` filled in.

    No shell is involved: a value with spaces stays one argument. `python` is the interpreter that runs us, so that
    an environment need not be activated.
    """
    commands = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise LaunchError(f"{path.name}, line {number}: expected `name: command`")
        commands[match["name"]] = _split(match["command"], environment)
    return commands


def _split(command: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    words = [_fill_in(word, environment) for word in shlex.split(command)]
    if words[0] == "python":
        words[0] = sys.executable
    return tuple(words)


def _fill_in(word: str, environment: Mapping[str, str]) -> str:
    """As a shell does: with `:-`, the default also stands in for an empty value."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match["name"] or match["bare"], "") or match["default"] or ""

    return _VARIABLE.sub(value, word)


def main(arguments: list[str]) -> int:
    """Become the process that is named. Only a mistake returns."""
    commands = read_procfile(Path(__file__).resolve().parent.parent / "Procfile", os.environ)
    command = commands.get(arguments[0]) if len(arguments) == 1 else None
    if command:
        os.execvp(command[0], command)  # noqa: S606 - our own command line, without a shell
    sys.stderr.write(f"usage: python -m asahi_site.procfile {{{','.join(commands)}}}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
