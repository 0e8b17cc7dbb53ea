"""Why the product, or a part of it, cannot be started here.

StartError
├── PlacementError      there is no place where Postgres could run
├── StillRunningError   something else holds a server's data and does not let go
├── ServerError         a server ended, or never answered
└── LaunchError         everything else: a port, a setting, a second `make run`, a Procfile
"""

from __future__ import annotations


class StartError(RuntimeError):
    """The message is for whoever ran the command: what is wrong, and what can be done about it."""


class PlacementError(StartError):
    """There is no place here where Postgres could run."""


class StillRunningError(StartError):
    """A server that is not ours to start again holds its data and does not let go."""


class ServerError(StartError):
    """An embedded server cannot serve."""


class LaunchError(StartError):
    """The product cannot be started like this."""
