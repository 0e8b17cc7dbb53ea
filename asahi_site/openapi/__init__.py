"""The OpenAPI document of every JSON route, whichever framework serves it."""
