"""Settings → everything that the steps need, each part made when it is first asked for, once per process.

Only the doors import this module. Imports are inside the properties: a function loads what it uses.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.recent import Recent
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.accounts.accounts import Accounts
    from chalicelib.accounts.api_keys import ApiKeys
    from chalicelib.aws.clients import Clients
    from chalicelib.aws.queues import Queue
    from chalicelib.aws.tables import Table
    from chalicelib.domains.dkim_keys import DkimKeys
    from chalicelib.domains.domains import Domains
    from chalicelib.events.publisher import Publisher
    from chalicelib.mail.token import Keyring
    from chalicelib.outbound.batch import Worker
    from chalicelib.outbound.deliveries import Deliveries
    from chalicelib.outbound.delivery import Tools
    from chalicelib.outbound.queue import Outbox
    from chalicelib.outbound.routing import Route, Unroutable
    from chalicelib.outbound.signing import Signer
    from chalicelib.outbound.submission import Submission

_DAY_SECONDS = 24 * 3600
_KEYRING_SECONDS = 300
"""How soon a rotated secret is seen; two keys are valid at once, so nothing breaks meanwhile."""


@dataclass(frozen=True)
class Services:
    settings: Settings

    @cached_property
    def clients(self) -> "Clients":
        from chalicelib.aws.clients import Clients

        return Clients()

    def _table(self, name: str) -> "Table":
        from chalicelib.aws.tables import Table

        return Table(self.clients, name)

    def _queue(self, url: str) -> "Queue":
        from chalicelib.aws.queues import Queue

        return Queue(self.clients, url)

    @cached_property
    def accounts(self) -> "Accounts":
        from chalicelib.accounts.accounts import Accounts

        return Accounts(self._table(self.settings.accounts_table))

    @cached_property
    def api_keys(self) -> "ApiKeys":
        from chalicelib.accounts.api_keys import ApiKeys

        return ApiKeys(self._table(self.settings.accounts_table), self.accounts)

    @cached_property
    def domains(self) -> "Domains":
        from chalicelib.domains.domains import Domains

        return Domains(self._table(self.settings.domains_table))

    @cached_property
    def dkim_keys(self) -> "DkimKeys":
        from chalicelib.aws.keys import Vault
        from chalicelib.domains.dkim_keys import DkimKeys

        return DkimKeys(self._table(self.settings.domains_table), Vault(self.clients, self.settings.dkim_kms_key))

    @cached_property
    def deliveries(self) -> "Deliveries":
        from chalicelib.outbound.deliveries import Deliveries

        return Deliveries(self._table(self.settings.deliveries_table))

    @cached_property
    def outbox(self) -> "Outbox":
        from chalicelib.aws.objects import Bucket
        from chalicelib.outbound.queue import Outbox

        return Outbox(
            fresh=self._queue(self.settings.outbound_queue_url),
            deferred=self._queue(self.settings.retry_queue_url),
            bucket=Bucket(self.clients, self.settings.content_bucket),
        )

    @cached_property
    def submission(self) -> "Submission":
        from chalicelib.outbound.idempotency import Requests
        from chalicelib.outbound.submission import Submission

        return Submission(
            domains=self.domains,
            deliveries=self.deliveries,
            requests=Requests(self._table(self.settings.idempotency_table)),
            outbox=self.outbox,
            clock=time.time,
            keep_seconds=int(self.settings.log_retention_days) * _DAY_SECONDS,
        )

    @cached_property
    def _keyring(self) -> "Recent[str, Keyring]":
        return Recent(seconds=_KEYRING_SECONDS, size=1)

    def keyring(self) -> "Keyring":
        from chalicelib.aws.keys import secret
        from chalicelib.mail.token import Keyring

        name = self.settings.token_secret
        return self._keyring.get(name, lambda: Keyring.parse(secret(self.clients, name)))

    @cached_property
    def signer(self) -> "Signer":
        from chalicelib.outbound.signing import Signer

        return Signer(domains=self.domains, dkim_keys=self.dkim_keys, keyring=self.keyring, clock=time.time)

    @cached_property
    def tools(self) -> "Tools":
        from chalicelib.net.smtp import Connection, Timeouts
        from chalicelib.outbound.delivery import Tools
        from chalicelib.outbound.lease import Leases
        from chalicelib.outbound.retry import Schedule

        return Tools(
            leases=Leases(self._table(self.settings.deliveries_table)),
            outbox=self.outbox,
            signer=self.signer,
            schedule=Schedule(self.settings.waits),
            connect=lambda server, starttls, seconds: Connection.open(
                server, ehlo_name=self.settings.ehlo_name, timeouts=Timeouts(dialog=seconds), starttls=starttls
            ),
            clock=time.time,
        )

    @cached_property
    def _route(self) -> "Callable[[str], Route | Unroutable]":
        from chalicelib.net.resolver import Resolver
        from chalicelib.outbound import routing

        resolver = Resolver(self.settings.nameservers)
        policy = routing.Policy(
            own_hosts=self.settings.own_hosts,
            port=int(self.settings.mx_port),
            allow_loopback=bool(self.settings.allow_loopback_mx),
        )
        return lambda domain: routing.route(domain, resolver, policy)

    def worker(self, queue_url: str) -> "Worker":
        """For batches that come from this queue."""
        from chalicelib.outbound.batch import Worker

        return Worker(queue=self._queue(queue_url), tools=self.tools, route=self._route)

    @cached_property
    def publisher(self) -> "Publisher":
        from chalicelib.aws.bus import Bus
        from chalicelib.events.counters import Counters
        from chalicelib.events.publisher import Publisher

        return Publisher(
            bus=Bus(self.clients, self.settings.event_bus),
            counters=Counters(self._table(self.settings.counters_table)),
            wanted=self.settings.published_events,
        )


@functools.cache
def services() -> Services:
    """Of this process, from its environment."""
    return Services(Settings.from_environment())
