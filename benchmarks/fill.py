"""A table that has seen some mail: deliveries that were made before, all of them of today and of one account.

That is as crowded as the sixteen partitions get that new messages are written to.
"""

import http.client
import json
import time
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlsplit

from benchmarks.scene import Scene
from chalicelib.aws.tables import marshal
from chalicelib.events import email_id as ids
from chalicelib.events.delivery import Attempt, Delivery, Header, Status

_BATCH = 25
_HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20000101/us-east-1/dynamodb/aws4_request",
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
}


def deliveries(scene: Scene, count: int) -> None:
    """Add so many. Without boto3, which would take as long again as MiniStack does."""
    connection = http.client.HTTPConnection(urlsplit(scene.endpoint).netloc, timeout=30)
    requests = ({"PutRequest": {"Item": marshal(each.to_item())}} for each in _made(scene, count))
    while batch := list(islice(requests, _BATCH)):
        body = json.dumps({"RequestItems": {scene.settings["DELIVERIES_TABLE"]: batch}})
        connection.request("POST", "/", body, _HEADERS)
        answer = json.load(connection.getresponse())
        if answer != {"UnprocessedItems": {}}:
            raise RuntimeError(f"the table was not filled: {answer}")
    connection.close()


def _made(scene: Scene, count: int) -> Iterator[Delivery]:
    now = time.time()
    for number in range(count):
        email_id, recipient = ids.new(now), f"earlier-{number:06}@gmail.test"
        yield Delivery(
            account_id=scene.seeded.account_id,
            email_id=email_id,
            number=0,
            address=recipient,
            kind="to",
            domain=scene.seeded.domain,
            environment="live",
            status=Status.DELIVERED,
            updated_at=int(now * 1000),
            expires=int(now) + 86400,
            attempt=1,
            concluded=1,
            attempts=(Attempt(n=1, at=int(now * 1000), outcome="delivered", server="mx.gmail-mail.test", code=250),),
            header=Header(
                message_id=f"{email_id}@{scene.seeded.domain}",
                sender=f"no-reply@{scene.seeded.domain}",
                subject="An earlier order",
                to=(recipient,),
            ),
        )
