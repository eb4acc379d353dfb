"""The settings: frozen, typed, and the only reader of the environment (RUNWATCH_*). .env.example lists them all."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.delivery.addresses import Network
from app.delivery.smtp import MailServer
from app.secrets.redaction import DEFAULT_SEALED_KEYS
from app.settings.checks import (
    check_jwt,
    check_oidc,
    checked_address,
    checked_issuer,
    checked_origins,
    checked_public_url,
)

JwtAlgorithm = Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
MIB = 1024 * 1024
# 31 years: in microseconds still an integer of the databases.
MAX_SECONDS = 1e9
# A century.
MAX_DAYS = 36_525


class Settings(BaseSettings):
    """What an operator may choose. Every field is the environment variable RUNWATCH_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="RUNWATCH_", env_file=".env", frozen=True, extra="ignore")

    # Storage and address.
    data_dir: Path = Field(Path("data"), description="Folder of the SQLite file and of generated secrets")
    database_url: str = Field("", description="sqlite:///path or postgres://…; empty: runwatch.db in the data folder")
    database_direct_url: str = Field(
        "", description="postgres://… past a pooler such as pgbouncer, for migrations; empty: the same"
    )
    prepared_statements: bool = Field(
        True, description="Postgres: false behind a pooler in transaction mode, which mixes up sessions"
    )
    sqlite_synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL", description="SQLite: FULL syncs each commit; NORMAL is faster, and a power cut loses the newest commits"
    )
    database_answer_seconds: float = Field(
        3.5,
        ge=1,
        le=60,
        description="Seconds that Postgres has to answer the simplest question; then its connections are ended",
    )
    redis_url: str = Field(
        "memory://", description="How processes notify each other: memory:// (one process) or redis://host:port/0"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=(
            "Comma-separated names that requests may have in Host, besides the public URL's, addresses, and names"
            " without a dot; *: any, behind a proxy that checks it"
        ),
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description=(
            "Comma-separated addresses or networks of reverse proxies, whose X-Forwarded-For, -Proto and -Host count"
        ),
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode, AfterValidator(checked_origins)] = Field(
        (),
        description=(
            "Comma-separated origins, such as https://tools.example.com, whose pages may use the API, by bearer token"
        ),
    )
    metrics_listen: Annotated[str, AfterValidator(checked_address)] = Field(
        "", description="Address for GET /metrics alone, without a token, such as 127.0.0.1:9464; empty: none"
    )
    workers: int = Field(1, ge=1, le=64, description="Server processes that share the port")
    worker_silence_seconds: float = Field(
        10.0, ge=2, le=3600, description="Seconds that a worker's event loop may stand still; then it is replaced"
    )

    min_free_bytes: int = Field(
        64 * MIB,
        ge=0,
        description="Bytes that the disk of the SQLite file must have free for /health to be 200; 0: any",
    )

    # Secrets inside payloads.
    secret_key: SecretStr | None = Field(
        None,
        description="Comma-separated keys that encrypt secrets, newest first; empty: one generated in the data folder",
    )
    sealed_keys: str = Field(
        DEFAULT_SEALED_KEYS, description="Comma-separated endings of key names whose values are secrets"
    )

    # Bounds, each with its reason in docs/operating.md.
    max_events_body_bytes: int = Field(8 * MIB, ge=1024, description="Maximum body size of POST /api/events, in bytes")
    max_events_per_request: int = Field(10_000, ge=1, description="Maximum number of events in one body")
    max_graphql_body_bytes: int = Field(MIB, ge=1024, description="Maximum body size of POST /graphql, in bytes")
    max_subscriptions: int = Field(
        20_000, ge=1, description="Maximum number of operations on all WebSockets of one process"
    )
    max_subscriptions_per_token: int = Field(
        5_000, ge=1, description="Maximum number of these operations for one token"
    )

    max_operation_cost: int = Field(
        500_000, ge=1_000, description="Maximum cost of one GraphQL operation, estimated and counted (docs/limits.md)"
    )
    max_answer_bytes: int = Field(32 * MIB, ge=1024, description="Maximum size of an answer of GraphQL, in bytes")
    max_errors: int = Field(1_000, ge=1, description="Maximum number of fields that may fail in one operation")
    max_operation_seconds: float = Field(
        20.0, gt=0, le=3600, description="Seconds that a query, or an event of a subscription, may take"
    )
    max_cost_per_minute: int = Field(
        20_000_000, ge=0, description="Maximum cost of one token's GraphQL operations in a minute; 0: any"
    )
    max_event_bytes_per_minute: int = Field(
        256 * MIB, ge=0, description="Maximum size of one token's events in a minute, and 10 KiB for each body; 0: any"
    )
    max_concurrent_operations: int = Field(
        16, ge=0, description="Maximum number of GraphQL operations of one token, or one session, at a time; 0: any"
    )
    max_concurrent_event_bodies: int = Field(
        192, ge=0, description="Maximum number of bodies of events of one token at a time; 0: any"
    )
    max_event_bodies: int = Field(
        384, ge=2, description="Maximum number of bodies of events in one process at a time, half of them of one token"
    )
    max_graphql_bodies: int = Field(
        1_000,
        ge=2,
        description="Maximum number of GraphQL requests in one process at a time, half of them of one token",
    )
    max_failed_sign_ins_per_minute: int = Field(
        120, ge=0, description="Maximum number of credentials from one address that fail in a minute; 0: any"
    )
    max_head_seconds: float = Field(
        10.0, gt=0, le=3600, description="Seconds that the request line and headers of a request may take to arrive"
    )
    max_body_seconds: float = Field(
        30.0, gt=0, le=3600, description="Seconds that a body may take to arrive, and one for each 4 KiB of it"
    )
    graphql_introspection: bool = Field(
        True, description="Whether clients may ask for the schema, and errors suggest names of it"
    )

    # Delivery of retries to engines.
    dispatch_timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="Seconds that a receiver has to answer a delivery"
    )
    dispatch_give_up_seconds: float = Field(
        3600.0, ge=0, le=MAX_SECONDS, description="Seconds after which an undelivered retry or alert is given up"
    )

    # Delivery of alerts to people.
    public_url: Annotated[str, AfterValidator(checked_public_url)] = Field(
        "", description="URL at which people reach this server, without a path, for links in alerts; empty: no links"
    )
    smtp_url: SecretStr | None = Field(
        None, description="Mail server for alerts: smtp://user:password@host:587, or smtps://; empty: no e-mail"
    )
    smtp_from: str = Field("", description="Sender of mail: Runwatch <runwatch@example.com>")
    alert_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description=(
            "Comma-separated private networks that webhooks of alerts, and of engines connected on the page, may reach,"
            " for example 10.0.0.0/8"
        ),
    )

    contact_lost_seconds: float = Field(
        900.0,
        ge=0,
        le=MAX_SECONDS,
        description="Seconds of silence after which a RUNNING run is CONTACT_LOST; 0: never",
    )

    # What is deleted when: docs/retention.md. kept_days was there first, for `runwatch prune`, and turns nothing on.
    retention: Literal["off", "on"] = Field(
        "off", description="Whether the server deletes by itself what the following settings no longer keep"
    )
    retention_grace_seconds: float = Field(
        3600.0,
        ge=0,
        le=MAX_SECONDS,
        description="Seconds between the log's line that says what retention would delete, and its first deletion",
    )
    kept_days: int | None = Field(None, ge=1, le=MAX_DAYS, description="Days that finished runs are kept; empty: any")
    kept_failure_days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Days that failed runs are kept; empty: as the others"
    )
    kept_executions: int | None = Field(
        None, ge=1_000, description="Runs that are kept, the newest, whatever their age and status; empty: any number"
    )
    kept_bytes: int | None = Field(
        None, ge=64 * MIB, description="Size of the database above which the oldest runs go, in bytes; empty: any"
    )
    prune_keeps_metrics: bool = Field(True, description="Whether figures continue to count pruned runs")
    kept_figure_days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Days that figures of pruned runs are kept; empty: for good"
    )
    kept_error_group_days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Days that counts of pruned runs' error groups are kept; empty: for good"
    )
    kept_alert_days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Days that alerts and their deliveries are kept; empty: for good"
    )
    kept_audit_days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Days that entries of the audit log are kept; empty: for good"
    )
    kept_idle_workflow_days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Days that workflows without runs and figures are kept; empty: for good"
    )

    # Sign-in with JSON Web Tokens; off until a key or a JWKS URL is set.
    jwt_algorithms: Annotated[tuple[JwtAlgorithm, ...], NoDecode] = Field(
        (), description="Comma-separated algorithms to accept, such as RS256; empty: no JSON Web Tokens"
    )
    jwt_key: SecretStr | None = Field(None, description="Shared secret (HS…) or PEM public key (RS…, ES…)")
    jwt_jwks_url: str | None = Field(None, description="URL of the issuer's published keys, instead of a key")
    jwt_issuer: str | None = Field(None, description="Required value of iss")
    jwt_audience: str | None = Field(None, description="Required value of aud")
    # Long enough for a machine's token that is renewed each year, and no exp in the year 9999.
    jwt_max_lifetime: int = Field(
        366 * 86_400, ge=60, description="Most seconds from iat to exp; tokens that are valid for longer are refused"
    )
    jwt_role_claim: str = Field("role", description="Claim that says ADMIN or VIEWER; dots descend into objects")

    # Sign-in of people by an OpenID Connect provider; off until an issuer is set.
    oidc_issuer: Annotated[str, AfterValidator(checked_issuer)] = Field(
        "", description="URL of the provider that people sign in with, as its discovery document has it; empty: none"
    )
    oidc_client_id: str = Field("", description="Id that the provider knows Runwatch by")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Secret of that client; empty: a public client, which PKCE alone protects"
    )
    oidc_label: str = Field("", description="What the page calls the provider; empty: its host")
    oidc_scopes: str = Field("openid profile email", description="Scopes to ask for, separated by spaces")
    oidc_name_claim: str = Field(
        "preferred_username",
        description="Claim that names people in the page and the audit log; sub where it is missing",
    )
    oidc_role_claim: str = Field("roles", description="Claim that gives the role; dots descend into objects")
    oidc_admins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("ADMIN",), description="Comma-separated values of that claim, in upper or lower case, that make an ADMIN"
    )
    oidc_viewers: Annotated[tuple[str, ...], NoDecode] = Field(
        ("VIEWER",), description="The same for a VIEWER; *: everybody whom the provider lets in"
    )

    graphql: Literal["compiled", "reference"] = Field(
        "compiled",
        description="How GraphQL is executed: compiled, or reference (graphql-core alone, slower)",
    )

    graphql_documents: Literal["any", "trusted"] = Field(
        "any",
        description="Which documents GraphQL takes: any, or trusted (the page's own, and the listed ones)",
    )
    trusted_documents: Path | None = Field(
        None, description="File or folder of documents to trust besides the page's own: manifests, or files of GraphQL"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level to log")
    log_format: Literal["auto", "json", "text", "console"] = Field(
        "auto",
        description="json: lines of JSON; text; console: coloured text; auto: console on a terminal, else text",
    )

    @cached_property
    def url_of_database(self) -> str:
        """The database URL, with the embedded default filled in."""
        url = self.database_url or f"sqlite:///{(self.data_dir / 'runwatch.db').absolute()}"
        if self.prepared_statements or url.startswith("sqlite:"):
            return url
        return f"{url}{'&' if '?' in url else '?'}statement_cache_size=0"

    @cached_property
    def url_of_migrations(self) -> str:
        """The same for migrations, whose lock is one of a session."""
        return self.database_direct_url or self.url_of_database

    @cached_property
    def metrics_address(self) -> tuple[str, int] | None:
        """The host and port of `metrics_listen`, if one is set."""
        host, _, port = self.metrics_listen.rpartition(":")
        return (host.strip("[]"), int(port)) if port else None

    @cached_property
    def mail_server(self) -> MailServer | None:
        """The mail server, if one is set."""
        url = "" if self.smtp_url is None else self.smtp_url.get_secret_value()
        return MailServer.of(url, self.smtp_from) if url else None

    @field_validator(
        *("alert_networks", "allowed_hosts", "allowed_origins", "oidc_admins", "oidc_viewers", "trusted_proxies"),
        mode="before",
    )
    @classmethod
    def _split_list(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_rates(self) -> Settings:
        for name, most in (
            ("max_cost_per_minute", "max_operation_cost"),
            ("max_event_bytes_per_minute", "max_events_body_bytes"),
        ):
            if 0 < getattr(self, name) < getattr(self, most):
                raise ValueError(f"RUNWATCH_{name.upper()} must be 0, or at least RUNWATCH_{most.upper()}")
        return self

    @model_validator(mode="after")
    def _check_ports(self) -> Settings:
        if self.metrics_address is not None and self.metrics_address[1] == self.port:
            raise ValueError("RUNWATCH_METRICS_LISTEN: must have another port than RUNWATCH_PORT")
        return self

    @model_validator(mode="after")
    def _check_retention(self) -> Settings:
        rules = [name for name in Settings.model_fields if name.startswith("kept_")]
        if self.retention == "on" and all(getattr(self, name) is None for name in rules):
            raise ValueError("RUNWATCH_RETENTION=on needs a rule: set RUNWATCH_KEPT_DAYS or another RUNWATCH_KEPT_…")
        return self

    @model_validator(mode="after")
    def _check_mail_server(self) -> Settings:
        self.mail_server  # noqa: B018  # raises for an invalid one
        return self

    @model_validator(mode="before")
    @classmethod
    def _split_algorithms(cls, values: dict[str, object]) -> dict[str, object]:
        algorithms = values.get("jwt_algorithms")
        if isinstance(algorithms, str):
            values["jwt_algorithms"] = tuple(name.strip() for name in algorithms.split(",") if name.strip())
        return values

    @model_validator(mode="after")
    def _complete_jwt(self) -> Settings:
        check_jwt(self.jwt_algorithms, self.jwt_key, self.jwt_jwks_url, self.jwt_issuer, self.jwt_audience)
        return self

    @model_validator(mode="after")
    def _complete_oidc(self) -> Settings:
        check_oidc(self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_scopes, self.public_url)
        return self
