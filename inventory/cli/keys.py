"""The commands that make, list and revoke API keys."""

from datetime import UTC, datetime, timedelta

import click

from inventory import presenters
from inventory.cli.opening import open_books
from inventory.cli.output import explained, report, wants_json
from inventory.domain.keys import ApiKey, Scope

DAYS_MAX = 3_650
KEYS_A_PAGE = 100


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command("create")
@click.argument("client")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([str(scope) for scope in Scope]),
    help="What it is good for; may be given several times. `admin` is good for everything.",
)
@click.option("--publishable", is_flag=True, help="For pages: every shopper can read it.")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), help="How long it lasts. [for ever]")
def create_key(client: str, scopes: tuple[str, ...], publishable: bool, days: int | None) -> None:
    """Make a key for CLIENT and print it, once and never again.

    Only the key goes to the standard output, so that it can be piped to where it is kept.
    """
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with explained(), open_books() as books:
        made, secret = books.keyring.issue(
            client,
            [Scope(scope) for scope in scopes],
            publishable=publishable,
            expires_at=expires_at,
        )
    if not wants_json():
        click.echo(f"Key {made.id} of {made.client}: {', '.join(made.scopes)}", err=True)
    report({**presenters.api_key(made), "key": secret}, secret)


@keys.command("list")
def list_keys() -> None:
    """Show all keys, the newest first: what they are good for, not the keys themselves.

    With --json each key is a line of its own.
    """
    with explained(), open_books() as books:
        before = None
        while page := books.keyring.list_keys(before, KEYS_A_PAGE):
            for key in page:
                report(presenters.api_key(key), _key_line(key))
            before = page[-1].id


@keys.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Let the key with this id open nothing any more, everywhere within a second."""
    with explained(), open_books() as books:
        revoked = books.keyring.revoke(key_id)
    report(presenters.api_key(revoked), f"Key {revoked.id} of {revoked.client} is revoked.")


def _key_line(key: ApiKey) -> str:
    now = datetime.now(UTC)
    state = "revoked" if key.revoked_at else "valid" if key.is_valid(now) else "expired"
    kind = "publishable" if key.publishable else "secret"
    used = f"{key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never"
    scopes = ",".join(key.scopes)
    return f"{key.id}  {state}  {kind}  {key.hint}...  {scopes}  used {used}  {key.client}"
