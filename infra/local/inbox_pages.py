"""The inbox viewer's pages as HTML text; every value from a mail is escaped here and nowhere else."""

from collections.abc import Sequence
from html import escape

from infra.local.mailbox import Kept
from infra.local.readable import Attachment, Readable

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/inbox.css">
</head>
<body>
{body}
</body>
</html>
"""

_INDEX = """\
<header><h1>Inbox</h1><p id="count" role="status">{count}</p></header>
<main id="mails">
{listed}
</main>
<script src="/inbox.js"></script>"""

_EMPTY = """\
<p class="empty">No mail yet. Whatever is sent to an address at <b>inbox.test</b> arrives here.</p>"""

_TABLE = """\
<table>
<caption>Received mail, newest first</caption>
<thead><tr><th scope="col">Received</th><th scope="col">From</th><th scope="col">Subject</th>\
<th scope="col">To</th><th scope="col">Transport</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""

_ROW = """\
<tr><td>{time}</td><td>{author}</td><td class="subject"><a href="/view/{id}">{subject}</a></td>\
<td class="to">{to}</td><td>{transport}</td></tr>"""

_VIEW = """\
<header><nav><a href="/">Inbox</a></nav><h1>{subject}</h1></header>
<main>
<dl>
<dt>Received</dt><dd>{time}</dd>
<dt>From</dt><dd>{author}</dd>
<dt>Return path</dt><dd class="path">{path}</dd>
<dt>Delivered to</dt><dd>{to}</dd>
<dt>Transport</dt><dd>{transport}</dd>
</dl>
{parts}
<details><summary>Headers</summary>
<table class="headers"><caption>Headers, in their order</caption><tbody>
{headers}
</tbody></table></details>
<p>Raw message ({octets}): <a href="/view/{id}/raw">as text</a>, \
<a href="/messages/{id}" download="{id}.eml">as a file</a></p>
</main>"""

_FRAME = """\
<section><h2>HTML</h2>
<iframe sandbox title="The HTML of this message" src="/view/{id}/html"></iframe>{note}</section>"""

_NOT_LOADED = """
<p class="note">This message wants images or styles that are not within its HTML. They are not loaded here.</p>"""

_ABSENT = """\
<header><nav><a href="/">Inbox</a></nav><h1>No such message</h1></header>
<main><p class="empty">It is not here, or not any more: the inbox may have been emptied.</p></main>"""


def index(mails: Sequence[Kept]) -> str:
    count = "1 message" if len(mails) == 1 else f"{len(mails)} messages"
    listed = _TABLE.format(rows="\n".join(map(_row, mails))) if mails else _EMPTY
    return _PAGE.format(title=f"{count} · Inbox", body=_INDEX.format(count=count, listed=listed))


def view(kept: Kept, mail: Readable, octets: int) -> str:
    body = _VIEW.format(**_shown(kept), parts=_parts(kept, mail), headers=_headers(mail), octets=_size(octets))
    return _PAGE.format(title=f"{_subject(kept)} · Inbox", body=body)


def absent() -> str:
    return _PAGE.format(title="No such message · Inbox", body=_ABSENT)


def _row(kept: Kept) -> str:
    return _ROW.format(**_shown(kept))


def _shown(kept: Kept) -> dict[str, str]:
    return {
        "id": escape(kept.id),
        "time": _time(kept.received_at),
        "author": escape(kept.header_from.strip()) or "(nobody)",
        "subject": _subject(kept),
        "to": "<br>".join(map(escape, kept.rcpt_to)),
        "path": escape(kept.mail_from) or "&lt;&gt; (nobody: a notification)",
        "transport": "TLS" if kept.tls else "in clear",
    }


def _time(moment: str) -> str:
    return f'<time datetime="{escape(moment)}">{escape(moment[:19].replace("T", " "))} UTC</time>'


def _subject(kept: Kept) -> str:
    return escape(kept.subject.strip()) or "(no subject)"


def _parts(kept: Kept, mail: Readable) -> str:
    parts = []
    if mail.html is not None:
        parts.append(_FRAME.format(id=escape(kept.id), note=_NOT_LOADED if mail.loads else ""))
    if mail.text is not None:
        parts.append(f"<section><h2>Text</h2>\n<pre>{escape(mail.text)}</pre></section>")
    if mail.attachments:
        listed = "\n".join(map(_attachment, mail.attachments))
        parts.append(f"<section><h2>Attachments</h2>\n<ul>\n{listed}\n</ul></section>")
    return "\n".join(parts)


def _attachment(attachment: Attachment) -> str:
    return f"<li>{escape(attachment.name)} ({escape(attachment.content_type)}, {_size(attachment.octets)})</li>"


def _headers(mail: Readable) -> str:
    rows = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in mail.headers)
    return "\n".join(rows)


def _size(octets: int) -> str:
    return f"{octets} octets" if octets < 10_000 else f"{octets / 1000:,.0f} kB"
