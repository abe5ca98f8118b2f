"""The operator's command line: `python -m infra.admin --help`. What goes wrong is one line, `error: …`."""

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from chalicelib.accounts.api_keys import ApiKey, Environment
from chalicelib.errors import PostscaleError
from chalicelib.settings import Settings
from chalicelib.wiring import Services

_LONGEST_NAME = 200
_PATIENCE = 5
"""Seconds that CloudFormation has to answer, at each of two tries."""

Installation = Callable[[], Services]
"""Looked up when a command needs it: help and mistakes need none."""


def _name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip() or len(value) > _LONGEST_NAME or not value.isprintable():
        raise click.BadParameter(f"a name has 1 to {_LONGEST_NAME} characters on one line")
    return value.strip()


@click.group(help="Accounts and keys of one installation.")
@click.option("--stack", envvar="POSTSCALE_STACK", help="CloudFormation stack; without it, the local stack.")
@click.pass_context
def main(context: click.Context, stack: str | None) -> None:
    context.obj = functools.partial(_services, stack)


@main.group(help="Who submits mail and pays for it.")
def accounts() -> None: ...


@accounts.command("create", help="Make an account and print its id.")
@click.argument("name", callback=_name)
@click.pass_obj
def create_account(installation: Installation, name: str) -> None:
    account = installation().accounts.create(name, now=time.time())
    click.echo(account.id)


@accounts.command("list", help="All accounts: id, state, when made, name.")
@click.pass_obj
def list_accounts(installation: Installation) -> None:
    for account in installation().accounts.list():
        click.echo(f"{account.id}  {account.state:<9}  made {_date(account.created_at)}  {account.name}")


@main.group(help="API keys of an account.")
def keys() -> None: ...


@keys.command("create", help="Make a key and print it: it cannot be shown again.")
@click.argument("account")
@click.option("--test", is_flag=True, help="A key whose messages are recorded, never delivered.")
@click.pass_obj
def create_key(installation: Installation, account: str, test: bool) -> None:
    environment = Environment.TEST if test else Environment.LIVE
    clear, _ = installation().api_keys.create(account, environment, now=time.time())
    click.echo(clear)


@keys.command("list", help="The keys of an account, without their secrets.")
@click.argument("account")
@click.pass_obj
def list_keys(installation: Installation, account: str) -> None:
    services = installation()
    services.accounts.get(account)
    for key in services.api_keys.list(account):
        click.echo(_line(key))


@keys.command("revoke", help="Refuse a key from now on (within two seconds everywhere).")
@click.argument("account")
@click.argument("key_id")
@click.pass_obj
def revoke_key(installation: Installation, account: str, key_id: str) -> None:
    click.echo(_line(installation().api_keys.revoke(account, key_id, now=time.time())))


def _line(key: ApiKey) -> str:
    state = f"revoked {_date(key.revoked_at)}" if key.revoked_at else "active"
    return f"{key.id}  ps_{key.environment}_…{key.hint}  made {_date(key.created_at)}  {state}"


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _services(stack: str | None) -> Services:
    if stack is not None and not stack.strip():
        raise click.ClickException("--stack is empty: name a stack, or leave it out for the local one")
    return Services(Settings.from_environment(_local() if stack is None else _deployed(stack)))


def _deployed(stack: str) -> dict[str, str]:
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.stack import settings

    patience = Config(connect_timeout=_PATIENCE, read_timeout=_PATIENCE, retries={"total_max_attempts": 2})
    try:
        client = Session().client("cloudformation", config=patience)
        read = settings(client.describe_stacks(StackName=stack)["Stacks"][0])
    except ClientError as refused:
        raise click.ClickException(f"stack {stack!r}: {refused.response['Error']['Message']}") from None
    except (BotoCoreError, ValueError) as failure:
        raise click.ClickException(f"stack {stack!r}: {failure}") from None
    if not read.get("ACCOUNTS_TABLE") or not read.get("PLATFORM_DOMAIN"):
        raise click.ClickException(f"stack {stack!r} is no installation of Postscale: it has no table of accounts")
    return read


def _local() -> dict[str, str]:
    """What `make run` wrote when it was ready; its AWS endpoint and keys become this process's."""
    told = Path(os.environ.get("STATE_DIR", ".local")) / "stack.json"
    if not told.exists():
        raise click.ClickException(f"{told} is not there: start the local stack (make run), or name one with --stack")
    environment: dict[str, str] = json.loads(told.read_text())["environment"]
    os.environ.update(environment)
    return environment


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 for what could not be done, 2 for what was not understood."""
    try:
        main(arguments, prog_name="python -m infra.admin", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        return asked.exit_code
    except click.ClickException as mistake:
        return _refused(mistake.format_message(), mistake.exit_code)
    except PostscaleError as failure:
        return _refused(failure.message, 1)
    except click.Abort:
        return 130
    return 0


def _refused(message: str, code: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(run())
