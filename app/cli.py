"""The command line: serve, check, migrate, prune, backup, restore, compact, import, token, and so on.

Declares the commands; what they do is in app/commands, of which each command imports its own module when it is run. So
`--help` needs nothing of Runwatch, and `token create` nothing of the server.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.log import log_unraisable

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
token_app = typer.Typer(no_args_is_help=True, help="Manage the tokens that people and engines sign in with.")
engine_app = typer.Typer(no_args_is_help=True, help="Manage engines and how retries reach them.")
secret_app = typer.Typer(no_args_is_help=True, help="Manage the keys that encrypt secrets in payloads.")
metrics_app = typer.Typer(no_args_is_help=True, help="Check and correct the rollups behind figures.")
for name, group in {"token": token_app, "engine": engine_app, "secret": secret_app, "metrics": metrics_app}.items():
    app.add_typer(group, name=name)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"runwatch {metadata.version('runwatch')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Watches the runs of automations."""


def main() -> None:
    """The entry point: expected failures end with their message and exit code 1."""
    sys.unraisablehook = log_unraisable
    try:
        app()
    except Exception as error:
        from app.commands.failures import messages_of

        messages = messages_of(error)
        if not messages:
            raise
        from app.server.console import console

        for message in messages:
            console.print(message, style="red", markup=False)
        sys.exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Defaults to RUNWATCH_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. Defaults to RUNWATCH_PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes. Defaults to RUNWATCH_WORKERS.")] = None,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev", help="Import sample runs into an empty database, start an example engine, print requests to try."
        ),
    ] = False,
) -> None:
    """Serve GraphQL and POST /api/events. Migrates the database first."""
    from app.commands import serving

    serving.serve(host=host, port=port, workers=workers, dev=dev)


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output instead of a table.")] = False,
    seconds: Annotated[float, typer.Option(help="Seconds that each probe may take.", min=0.1, max=60)] = 5.0,
) -> None:
    """Try database, keys, Redis, mail, engines, disk and clock; exits with 1 if something fails. Changes nothing."""
    from app.commands import checking

    checking.check(seconds, as_json=as_json)


@app.command(hidden=True)
def worker(
    listening: int, link: int, numbers: int, place: int, scraped: Annotated[int | None, typer.Argument()] = None
) -> None:
    """Run one process of `serve --workers`, which starts it with file descriptors."""
    from app.commands import serving

    serving.work(listening, link, numbers, place, scraped)


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date. Safe to run from several processes at once."""
    from app.commands import migrating

    migrating.migrate()


@app.command("prune")
def prune_(
    older_than: Annotated[
        float | None,
        typer.Option(
            help="Only delete runs that were queued more than this many days ago. Default: what RUNWATCH_KEPT_… say.",
            min=0,
            max=36_525,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be deleted.")] = False,
) -> None:
    """Delete old runs that are over or lost contact, in batches, and what else is kept no longer.

    Safe while the server runs.
    """
    from app.commands import pruning

    pruning.prune(older_than, dry_run=dry_run)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="File to write. There must be none.")]) -> None:
    """Copy an SQLite database to a file, while the server runs. For Postgres, use pg_dump."""
    from app.commands import backups

    backups.back_up(file)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="File that `runwatch backup` wrote.")]) -> None:
    """Put a backup in the place of an SQLite database that was moved away, and begin a new epoch of updates."""
    from app.commands import backups

    backups.restore(file)


@app.command("new-epoch")
def new_epoch() -> None:
    """Have all clients list again: run it after you restored a database in another way than by `runwatch restore`."""
    from app.commands import backups

    backups.begin_epoch()


@app.command()
def compact(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much room the command needs.")] = False,
) -> None:
    """Rewrite an SQLite file without its free space. Stop the server first. Newer files give it back by themselves."""
    from app.commands import compacting

    compacting.compact(dry_run=dry_run)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="File with one event or run per line.")
    ],
    format_: Annotated[
        Literal["cloudevents", "galaxy"], typer.Option("--format", help="Format of a line.")
    ] = "cloudevents",
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Shift all times so that the newest is now (galaxy only).")
    ] = False,
) -> None:
    """Import runs from a file. An interrupted import continues where it stopped."""
    from app.commands import importing

    importing.import_file(file, format_, shift_to_now=shift_to_now)


@token_app.command("create")
def token_create(
    role: Annotated[str, typer.Option(help="Role: admin, viewer or runner.")],
    name: Annotated[str, typer.Option(help="Name for lists and logs.")],
    engine: Annotated[
        str | None, typer.Option(help="Engine whose events the token may report. Only for the role runner.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days until the token expires. Defaults to never.")] = None,
) -> None:
    """Create a token and print it. Runwatch cannot show it again."""
    from app.commands import tokens

    tokens.create(role, name, engine, days)


@token_app.command("list")
def token_list() -> None:
    """List all tokens, newest first."""
    from app.commands import tokens

    tokens.show_all()


@token_app.command("revoke")
def token_revoke(which: Annotated[str, typer.Argument(help="Id, prefix or name of the token.")]) -> None:
    """Revoke a token. It stops working at once."""
    from app.commands import tokens

    tokens.revoke(which)


@app.command("sign-in-link")
def sign_in_link(
    token: Annotated[
        str | None,
        typer.Option(help="Id, prefix or name of the token to sign in with. Default: the development server's."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address that the server listens on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port that the server listens on.", min=1, max=65535)] = None,
) -> None:
    """Print a link that signs a browser in, once and within 10 minutes."""
    from app.commands import sign_in_link as command

    command.show(token, host, port)


@engine_app.command("add")
def engine_add(
    name: Annotated[str, typer.Argument(help="Name of the engine: the source of its events.")],
    webhook: Annotated[str | None, typer.Option(help="URL that receives retries by POST.")] = None,
    celery: Annotated[str | None, typer.Option(help="URL of the broker of the engine's Celery workers.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the engine's webhook or broker.")] = False,
) -> None:
    """Connect an engine: set the webhook or broker that its retries go to. Prints the secret that signs webhooks.

    Engines register themselves with their first event, without a webhook or broker.
    """
    from app.commands import engines

    engines.add(name, webhook, celery, replace=replace)


@engine_app.command("disconnect")
def engine_disconnect(name: Annotated[str, typer.Argument(help="Name of the engine.")]) -> None:
    """Delete an engine's webhook or broker, and cancel the retries that it has not accepted.

    Runwatch goes on accepting its events. When the command ends, nothing more is sent to the engine.
    """
    from app.commands import engines

    engines.disconnect(name)


@engine_app.command("rotate-secret")
def engine_rotate_secret(
    name: Annotated[str, typer.Argument(help="Name of the engine.")],
    overlap: Annotated[float, typer.Option(help="Hours for which the present secret signs too.", min=0, max=720)] = 24,
) -> None:
    """Give an engine's webhook another secret, and print it. For a while requests have the signatures of both."""
    from app.commands import engines

    engines.rotate_secret(name, overlap)


@engine_app.command("list")
def engine_list() -> None:
    """List all engines, by name."""
    from app.commands import engines

    engines.show_all()


@secret_app.command("new-key")
def secret_new_key() -> None:
    """Print a new key for RUNWATCH_SECRET_KEY."""
    from app.commands import keys

    keys.make()


@secret_app.command("rotate")
def secret_rotate() -> None:
    """Encrypt everything again with the first key of RUNWATCH_SECRET_KEY, so that you can drop the others."""
    from app.commands import keys

    keys.rotate()


@metrics_app.command("rebuild")
def metrics_rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit with 1 if a row differs.")] = False,
) -> None:
    """Compute the rollups from the runs and correct what differs. Safe while the server runs."""
    from app.commands import metrics

    metrics.rebuild(check=check)


@app.command("export-schema")
def export_schema(
    path: Annotated[Path, typer.Option(help="File to write.")] = Path("schema.graphql"),
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit with 1 if the file is stale.")] = False,
    allow_breaking: Annotated[bool, typer.Option(help="Write the file even if the change breaks clients.")] = False,
) -> None:
    """Write the GraphQL schema to a file, unless the change breaks clients."""
    from app.commands import contract

    contract.export(path, check=check, allow_breaking=allow_breaking)


if __name__ == "__main__":
    main()
