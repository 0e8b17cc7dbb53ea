"""Property tests are judged by what they find, not by how long an example takes on a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("wire", parent=settings(), deadline=None)
settings.load_profile("wire")
