from django.apps import AppConfig
from django.core.checks import register


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from governance.provider_keys import install_providers  # settings and models are complete only now
        from inference.catalog import known_providers
        from inference.checks import check_models

        register(check_models, "models")
        install_providers(known_providers)
