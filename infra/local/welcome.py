"""What a person reads when the local stack is ready."""

from infra.local.stack import Running

_TEXT = """
Postscale is ready.

  API          {api_url}
  Inbox        {inbox_url}   everything sent to <anyone>@inbox.test
  API key      {live_key}
  Test key     {test_key}   checked and recorded, never delivered
  Account      {account_id}   to make more keys: .venv/bin/python -m infra.admin keys create {account_id}
  Zone file    {zone_file}   the DNS of this stack; change it as you like

Try:

  curl -X POST {api_url}/v1/send \\
    -H "Authorization: Bearer {live_key}" \\
    -H "Content-Type: application/json" \\
    -d '{{
      "from": "no-reply@{domain}",
      "to": ["customer@inbox.test"],
      "subject": "Your receipt",
      "text_body": "Thanks for your order."
    }}'

and read it in the inbox. What became of it:

  curl -H "Authorization: Bearer {live_key}" {api_url}/v1/emails/<id>/events

Other recipients: bounce@, defer@, greylist@ and slow@simulator.test do what they are called; gone.test takes
no mail at all. RETRY_WAITS=5,30 make run shortens the waits between attempts to these seconds, the last of which
repeats. `make demo` in another terminal shows two journeys step by step. Ctrl-C stops everything.
"""


def text(running: Running) -> str:
    return _TEXT.format(
        api_url=running.plan.api_url,
        inbox_url=running.plan.inbox_url,
        zone_file=running.plan.zone_file,
        live_key=running.seeded.live_key,
        test_key=running.seeded.test_key,
        account_id=running.seeded.account_id,
        domain=running.seeded.domain,
    )
