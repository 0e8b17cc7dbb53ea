from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import erasure  # noqa: F401 - says what it keeps of end users, once models are complete
