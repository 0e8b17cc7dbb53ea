"""Routes that exist at Anthropic too, with other answers than here."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest
from ninja.errors import HttpError

_OPENAIS_ALONE: Final = re.compile(r"/v1/(files|batches|responses)(/|$)")
_SAID_INSTEAD: Final = {
    "files": "put a document into the message itself",
    "batches": "use /v1/messages/batches",
    "responses": "use /v1/messages",
}


def in_openais_shape_alone(request: HttpRequest) -> None:
    """Raises HttpError for a client of Anthropic's on a route whose answers it could not read."""
    found = _OPENAIS_ALONE.match(request.path_info)
    if found is not None and "HTTP_ANTHROPIC_VERSION" in request.META:
        message = (
            f"/v1/{found[1]} is served in OpenAI's form alone, without 'anthropic-version': {_SAID_INSTEAD[found[1]]}."
        )
        raise HttpError(404, message)
