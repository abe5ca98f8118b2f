"""The operator's command line: `python -m infra.admin --help`."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from chalicelib.accounts.api_keys import ApiKey, Environment
from chalicelib.errors import PostscaleError
from chalicelib.settings import Settings
from chalicelib.wiring import Services


@click.group(help="Accounts and keys of one installation.")
@click.option("--stack", envvar="POSTSCALE_STACK", help="CloudFormation stack; without it, the local stack.")
@click.pass_context
def main(context: click.Context, stack: str | None) -> None:
    context.obj = Services(Settings.from_environment(_deployed(stack) if stack else _local()))


@main.group(help="Who submits mail and pays for it.")
def accounts() -> None: ...


@accounts.command("create", help="Make an account and print its id.")
@click.argument("name")
@click.pass_obj
def create_account(services: Services, name: str) -> None:
    account = services.accounts.create(name, now=time.time())
    click.echo(account.id)


@main.group(help="API keys of an account.")
def keys() -> None: ...


@keys.command("create", help="Make a key and print it: it cannot be shown again.")
@click.argument("account")
@click.option("--test", is_flag=True, help="A key whose messages are recorded, never delivered.")
@click.pass_obj
def create_key(services: Services, account: str, test: bool) -> None:
    clear, _ = services.api_keys.create(account, Environment.TEST if test else Environment.LIVE, now=time.time())
    click.echo(clear)


@keys.command("list", help="The keys of an account, without their secrets.")
@click.argument("account")
@click.pass_obj
def list_keys(services: Services, account: str) -> None:
    services.accounts.get(account)
    for key in services.api_keys.list(account):
        click.echo(_line(key))


@keys.command("revoke", help="Refuse a key from now on (within two seconds everywhere).")
@click.argument("account")
@click.argument("key_id")
@click.pass_obj
def revoke_key(services: Services, account: str, key_id: str) -> None:
    click.echo(_line(services.api_keys.revoke(account, key_id, now=time.time())))


def _line(key: ApiKey) -> str:
    state = f"revoked {_date(key.revoked_at)}" if key.revoked_at else "active"
    return f"{key.id}  ps_{key.environment}_…{key.hint}  made {_date(key.created_at)}  {state}"


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _deployed(stack: str) -> dict[str, str]:
    from boto3.session import Session

    from infra.stack import settings

    return settings(Session().client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0])


def _local() -> dict[str, str]:
    """What `make run` wrote when it was ready; its AWS endpoint and keys become this process's."""
    told = Path(os.environ.get("STATE_DIR", ".local")) / "stack.json"
    if not told.exists():
        raise click.ClickException(f"{told} is not there: start the local stack (make run), or name one with --stack")
    environment: dict[str, str] = json.loads(told.read_text())["environment"]
    os.environ.update(environment)
    return environment


def run() -> None:
    try:
        main()
    except PostscaleError as failure:
        raise SystemExit(f"error: {failure.message}") from None


if __name__ == "__main__":
    run()
