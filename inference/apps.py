from django.apps import AppConfig
from django.core.checks import register


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from governance.provider_keys import install_providers  # settings and models are complete only now
        from inference import erasure  # noqa: F401 - says what it keeps of end users
        from inference.catalog import known_providers
        from inference.checks import check_models
        from inference.responses import rewrapping  # noqa: F401 - says how what it keeps is sealed again

        register(check_models, "models")
        install_providers(known_providers)
