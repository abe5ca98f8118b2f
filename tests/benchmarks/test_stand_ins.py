"""The AWS and the internet of the measurements: what boto3 and smtplib take for real."""

import json
import smtplib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import child, prices, reference
from benchmarks.child import Child
from chalicelib.mail.hosts import MxRecord
from chalicelib.net.resolver import Resolver
from infra.local import ministack

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def stub() -> Iterator[Child]:
    with child.running("benchmarks.stub") as started:
        yield started


def client(stub: Child, service: str) -> Any:
    return ministack.client(service, f"http://127.0.0.1:{stub.told['port']}")


def test_what_is_put_can_be_read(stub: Child) -> None:
    table, item = client(stub, "dynamodb"), {"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "1"}}
    assert "Item" not in table.get_item(TableName="t", Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
    table.put_item(TableName="t", Item=item)
    assert table.get_item(TableName="t", Key={"pk": {"S": "a"}, "sk": {"S": "b"}})["Item"] == item


def test_what_is_sent_is_received_once(stub: Child) -> None:
    queue, url = client(stub, "sqs"), f"http://127.0.0.1:{stub.told['port']}/0/outbound"
    queue.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": f"job {n}"} for n in range(3)])
    received = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in received] == ["job 0", "job 1", "job 2"]
    assert not queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages")


def test_what_is_encrypted_comes_back(stub: Child) -> None:
    kms = client(stub, "kms")
    sealed = kms.encrypt(KeyId="k", Plaintext=b"\x00secret")["CiphertextBlob"]
    assert kms.decrypt(KeyId="k", CiphertextBlob=sealed)["Plaintext"] == b"\x00secret"
    assert json.loads(client(stub, "secretsmanager").get_secret_value(SecretId="s")["SecretString"])["current"] == "1"


def test_mail_is_routed_and_taken_over_tls_and_counted() -> None:
    with child.running("benchmarks.internet") as internet:
        resolver = Resolver([("127.0.0.1", internet.told["dns"])])
        assert resolver.mx("gmail.test") == (MxRecord(preference=10, host="mx.gmail-mail.test"),)
        assert resolver.addresses("mx.gmail-mail.test") == ("127.0.0.1",)
        letters = [
            reference.Letter(mail_from="a@acme.test", rcpt_to=f"{name}@gmail.test", content=b"Subject: x\r\n\r\n.x\r\n")
            for name in ("ann", "bob")
        ]
        reference.send(letters, internet.told["smtp"])
        seen = internet.end()
    assert (seen["connections"], seen["messages"]) == (1, 2)
    assert seen["octets_in"] > 2 * len(letters[0].content)


def test_far_away_everything_takes_its_time() -> None:
    with child.running("benchmarks.internet", "--far") as internet:
        begun = time.monotonic()
        with smtplib.SMTP("127.0.0.1", internet.told["smtp"], local_hostname="here.test") as connection:
            connection.ehlo()
        taken = time.monotonic() - begun
    assert taken >= 3 * prices.ROUND_TRIP  # handshake and greeting, EHLO; QUIT is not waited for by us


def test_a_child_ends_with_whoever_started_it() -> None:
    with child.running("benchmarks.stub") as started:
        assert started.process.stdin
        started.process.stdin.close()
        assert started.process.wait(10) == 0
