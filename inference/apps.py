from django.apps import AppConfig
from django.core.checks import register


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from inference.checks import check_models  # settings and models are complete only now

        register(check_models, "models")
