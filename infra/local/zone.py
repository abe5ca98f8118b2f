"""The zone file that a new stack begins with: the platform's own names, a sender, and some recipients."""

from dataclasses import dataclass

_TXT_STRING = 255
"""A character-string's length is one octet (RFC 1035 §3.3); longer texts are several, read as one (RFC 7208 §3.3)."""

_TEXT = """\
; The simulated internet of the local stack. Change it while the stack runs: it is read again by itself.
; `;fault servfail <name>` and `;fault silent <name>` on lines of their own break a name and all below it.
$TTL 60

$ORIGIN {platform}.
@                   SOA   ns hostmaster 1 3600 600 86400 60
                    NS    ns
ns                  A     127.0.0.1
api                 A     127.0.0.1
smtp                A     127.0.0.1
mx                  A     127.0.0.1
out                 A     127.0.0.1
track               A     127.0.0.1
_spf                TXT   "v=spf1 ip4:127.0.0.1 -all"
bounces             MX    10 mx
                    TXT   "v=spf1 include:_spf.{platform} -all"
dmarc               MX    10 mx
*._report._dmarc.dmarc  TXT  "v=DMARC1"
shield              MX    10 mx

; The sender: everything published that a sending domain is asked for.
$ORIGIN {sender}.
@                   SOA   ns.{platform}. hostmaster 1 3600 600 86400 60
                    NS    ns.{platform}.
                    TXT   "v=spf1 include:_spf.{platform} ~all"
_postscale          TXT   "postscale-verification=local"
postscale._domainkey  TXT {dkim}
_dmarc              TXT   "v=DMARC1; p=quarantine; rua=mailto:reports@dmarc.{platform}"
ps-bounces          CNAME bounces.{platform}.

; Recipients: an inbox that keeps everything, and the simulator.
$ORIGIN inbox.test.
@                   SOA   ns.{platform}. hostmaster 1 3600 600 86400 60
                    NS    ns.{platform}.
                    MX    10 mx
mx                  A     127.0.0.1

$ORIGIN simulator.test.
@                   SOA   ns.{platform}. hostmaster 1 3600 600 86400 60
                    NS    ns.{platform}.
                    MX    10 mx
mx                  A     127.0.0.1

; A domain that says that it takes no mail (RFC 7505).
$ORIGIN gone.test.
@                   SOA   ns.{platform}. hostmaster 1 3600 600 86400 60
                    NS    ns.{platform}.
                    MX    0 .
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The sending domain, and the DKIM record that it was given to publish."""

    domain: str
    dkim: str


def text(platform: str, sender: Sender) -> str:
    return _TEXT.format(platform=platform, sender=sender.domain, dkim=_quoted(sender.dkim))


def publishes(zone_text: str, sender: Sender) -> bool:
    """Whether a zone file, perhaps changed by hand, still carries this sender's DKIM key."""
    return _quoted(sender.dkim) in zone_text


def _quoted(value: str) -> str:
    pieces = (value[start : start + _TXT_STRING] for start in range(0, max(len(value), 1), _TXT_STRING))
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
