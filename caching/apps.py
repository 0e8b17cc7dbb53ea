from django.apps import AppConfig


class CachingConfig(AppConfig):
    name = "caching"

    def ready(self) -> None:
        from caching import erasure, feedback, purging  # noqa: F401 - settings and models are complete only now
        from caching.exact_purging import ExactTier
        from caching.semantic_purging import SemanticTier
        from caching.workflow import rewrapping  # noqa: F401 - says how documents are sealed again
        from caching.workflow.purging import WorkflowTier

        purging.register(ExactTier())
        purging.register(SemanticTier())
        purging.register(WorkflowTier())
