from django.apps import AppConfig


class CachingConfig(AppConfig):
    name = "caching"

    def ready(self) -> None:
        from caching import erasure, purging  # noqa: F401 - settings and models are complete only now
        from caching.exact_purging import ExactTier
        from caching.semantic_purging import SemanticTier

        purging.register(ExactTier())
        purging.register(SemanticTier())
