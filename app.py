"""TABLE OF CONTENTS: every function of the service, in the order a message meets them.

Routes stand in `chalicelib/api/`, one Blueprint per resource. Workers are declared here and nowhere
else: a worker declared in a Blueprint would start without this module. The sources named here are
placeholders; `infra/` gives each function its real queue or stream.
"""

from typing import Any

from chalice.app import DynamoDBEvent, SQSEvent

from chalicelib.api import emails
from chalicelib.api.application import Application
from chalicelib.api.door import Door
from chalicelib.aws import records
from chalicelib.wiring import services

app = Application(app_name="postscale", configure_logs=False)

# ── HTTPS ── POST /v1/send and what became of it ────────────────────────────────────────────────
door = Door(lambda: services().api_keys)
app.register_blueprint(
    emails.routes(door, submission=lambda: services().submission, deliveries=lambda: services().deliveries)
)


# ── SQS outbound ── one job per recipient → the recipient's MX ──────────────────────────────────
@app.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:outbound", name="deliver", batch_size=10)
def deliver(event: SQSEvent) -> dict[str, Any]:
    return work(event, services().settings.outbound_queue_url)


# ── SQS outbound-retry ── deferred: hop until the time has come, then the same ──────────────────
@app.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:retry", name="deliver_deferred", batch_size=10)
def deliver_deferred(event: SQSEvent) -> dict[str, Any]:
    return work(event, services().settings.retry_queue_url)


def work(event: SQSEvent, queue_url: str) -> dict[str, Any]:
    context: Any = event.context
    seconds = context.get_remaining_time_in_millis() / 1000
    return records.again(services().worker(queue_url).run(records.received(event.to_dict()), seconds))


# ── DynamoDB stream of deliveries ── what happened → the event bus, the counters ────────────────
@app.on_dynamodb_record(
    stream_arn="arn:aws:dynamodb:us-east-1:000000000000:table/deliveries/stream/0", name="publish_events"
)
def publish_events(event: DynamoDBEvent) -> dict[str, Any]:
    return records.again([services().publisher.publish(records.changes(event.to_dict()))])
