"""Every setting of Asahi that is not Django's own: `config/config.yaml`, overridden by the environment.

A setting `cors_origins` of section `api` is overridden by `ASAHI_API_CORS_ORIGINS`; the names that hosting
platforms already use (`DATABASE_URL`, `OPENAI_API_KEY`, ...) keep theirs. A value of the wrong type, or a key that no
section knows, is an error at start that names it.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from governance.addresses import AddressGuard
from governance.encryption import Keyring

BASE_DIR = Path(__file__).resolve().parent.parent


def _split_commas(value: object) -> object:
    """A list may be written `a,b` in the environment, as every hosting platform's form field asks for."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaList = Annotated[list[str], NoDecode, BeforeValidator(_split_commas)]


class Section(BaseModel):
    """A named group of settings; an unknown key in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Site(Section):
    environment: Literal["development", "production"] = "development"
    secret_key: SecretStr = SecretStr("")
    base_url: str = ""
    allowed_hosts: CommaList = ["127.0.0.1", "localhost", "[::1]"]
    trusted_proxies: int = Field(0, ge=0, description="How many proxies in front may be believed about the client")
    log_level: str = "INFO"


class Api(Section):
    cors_origins: CommaList = []
    max_body_bytes: int = 8 * 1024 * 1024
    max_answer_bytes: int = 16 * 1024 * 1024


class Auth(Section):
    api_key_required: bool = True
    principal_ttl_seconds: float = 15.0
    principal_cache_size: int = 10_000


class Cache(Section):
    t1_ttl_seconds: int = 24 * 3600
    t1_max_answer_bytes: int = 1024 * 1024
    local_max_bytes: int = 32 * 1024 * 1024
    """What a process may keep of T1 in its own memory while Redis is gone."""
    redis_timeout_ms: int = 50
    semantic: bool = Field(True, description="Whether this deployment has T2 at all")
    semantic_ttl_seconds: int = Field(7 * 24 * 3600, gt=0)
    embedder: Literal["auto", "local", "cohere", "openai"] = "auto"
    """`auto`: Cohere's when its key is set, else the local one. With any but the local one, questions leave this
    deployment; an organization that does not allow the embedding model is served by the local one."""
    embedding_model: str = Field("", description="A registered embedding model, or any one at `embedding_base_url`")
    embedding_dimensions: int | None = Field(None, ge=8, le=4000)
    embedding_base_url: str = Field("", description="Any API that speaks OpenAI's wire; only with embedder `openai`")
    embedding_api_key: SecretStr = Field(SecretStr(""), description="For that address alone")
    embedding_usd_per_million: Decimal | None = Field(None, ge=0, description="Price of tokens, where none is known")
    embedding_timeout_ms: int | None = Field(
        None, gt=0, description="After which a request goes on without T2: 30 locally, 300 with an API"
    )
    store: Literal["postgres", "pinecone"] = "postgres"
    """Where T2's vectors are; answers are in Postgres anyway. Pinecone needs PINECONE_API_KEY and PINECONE_INDEX."""
    store_timeout_ms: int | None = Field(
        None, gt=0, description="The same for a search: 50 in Postgres, 250 in Pinecone"
    )
    verifier_model: str = Field("", description="A registered model that is asked about doubtful hits; empty: none")
    verifier_timeout_ms: int = Field(800, gt=0)
    document_days: int = Field(30, gt=0, description="How long a document is kept under its id, since it was sent last")
    document_quota_bytes: int = Field(1024**3, gt=0, description="What one organization may keep of them")
    step_ttl_seconds: int = Field(30 * 24 * 3600, gt=0, description="How long what was worked out of a chunk is kept")


class Routing(Section):
    default_mode: Literal["autopilot", "guided", "explicit"] = "autopilot"
    quality_bar: float = 0.85
    baseline_model: str = "gpt-6.1-sol"
    default_max_output_tokens: int = 2048


class Providers(Section):
    simulate: bool | None = Field(None, description="None: simulate exactly the providers that have no key")
    simulator_url: str = ""
    connect_timeout_seconds: float = 5.0
    first_byte_timeout_seconds: float = Field(300.0, gt=0, description="From the request to the answer's first byte")
    idle_timeout_seconds: float = Field(120.0, gt=0, description="Between any two pieces of an answer")
    answer_timeout_seconds: float = Field(900.0, gt=0, description="From the request to the answer's end")
    max_retries: int = Field(2, ge=0)
    retry_share: float = Field(0.1, ge=0, le=1, description="Of the calls to a provider, how many may be repeats")
    retry_reserve: int = Field(10, ge=0, description="Repeats within 20 seconds that are allowed on top of the share")
    pool_size: int = 2000
    private_networks: CommaList = Field([], description="Networks in which organizations' own endpoints may be")

    @field_validator("private_networks")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        AddressGuard.opening(value)
        return value


class Files(Section):
    max_bytes: int = Field(100 * 1024 * 1024, gt=0, description="The largest file that may be uploaded")
    quota_bytes: int = Field(5 * 1024**3, gt=0, description="What one organization may keep here, all files together")
    batch_days: int = Field(30, gt=0, description="How long files for batches are kept, unless asked otherwise")


class Batches(Section):
    concurrency: int = Field(8, gt=0, description="Lines of one batch that a worker calls at the same time")
    stint_seconds: float = Field(45.0, gt=0, description="How long a worker advances batches before it is called anew")
    poll_seconds: float = Field(15.0, gt=0, description="How often a provider is asked how its batch is doing")
    lease_seconds: int = Field(3600, ge=60, description="How long reservations outlive the last worker's sign of life")


class Responses(Section):
    keep: bool = Field(True, description="False: no response is kept, whatever a request asks for")
    days: int = Field(30, gt=0, description="How long a kept response can be fetched and continued")
    max_conversation_bytes: int = Field(32 * 1024 * 1024, gt=0, description="All turns of one conversation together")
    background_at_a_time: int = Field(32, gt=0, description="How many a worker makes at the same time")


class Ledger(Section):
    stream: str = "asahi:events"
    lease_seconds: float = 20.0
    drain_batch: int = 1000


class Email(Section):
    from_address: str = "Asahi <hello@localhost>"


class Config(BaseSettings):
    """The whole configuration, read once at start by `asahi_site.settings`."""

    model_config = SettingsConfigDict(
        env_prefix="ASAHI_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        yaml_file=BASE_DIR / "config" / "config.yaml",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a key with a typing error is a key all the same
    )

    site: Site = Site()
    api: Api = Api()
    auth: Auth = Auth()
    cache: Cache = Cache()
    routing: Routing = Routing()
    providers: Providers = Providers()
    files: Files = Files()
    batches: Batches = Batches()
    responses: Responses = Responses()
    ledger: Ledger = Ledger()
    email: Email = Email()

    encryption_key: SecretStr = SecretStr("")
    admin_secret: SecretStr = SecretStr("")
    from_email: str = ""
    var_dir: Path = BASE_DIR / "var"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)

    @field_validator("encryption_key")
    @classmethod
    def _is_a_keyring(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            Keyring.parse(value.get_secret_value())
        return value


def redis_url_from_environment() -> str:
    """The first of the Redis variables that hosting platforms set, most private first."""
    names = ("REDIS_PRIVATE_URL", "REDIS_TLS_URL", "REDIS_URL", "REDISCLOUD_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
