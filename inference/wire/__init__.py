"""Everything that knows the shape of a request or an answer. Pure functions and small classes: no framework, no I/O.

`inference.wire.format.format_of` gives the format of a wire; `inference.wire.translate` turns one into the other.
"""
