"""What T2's migration needs beyond Django's own operations."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import migrations
from django.db.utils import NotSupportedError, ProgrammingError

_PRESENT = "SELECT 1 FROM pg_extension WHERE extname = 'vector'"
_HELP = (
    "T2 needs the Postgres extension pgvector, and this database user cannot create it ({problem}). Install pgvector "
    "0.8 or newer on the server, then run `CREATE EXTENSION vector` in this database as a superuser, and migrate again."
)


class NeedsPgvector(migrations.RunPython):
    """The extension, created unless it is there: creating takes rights that the application may well not have."""

    def __init__(self) -> None:
        super().__init__(_create, migrations.RunPython.noop)


def _create(_: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT)
        if cursor.fetchone():
            return
        try:
            cursor.execute("CREATE EXTENSION vector")
        except (ProgrammingError, NotSupportedError) as error:
            raise ImproperlyConfigured(_HELP.format(problem=str(error).strip().splitlines()[0])) from error
