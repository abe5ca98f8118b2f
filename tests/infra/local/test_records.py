"""What the simulated internet answers: RFC 1034's algorithm, negative answers, wildcards, faults."""

import dns.exception
import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local import records, zone

TEXT = """
$TTL 30
$ORIGIN acme.test.
@        SOA   ns hostmaster 1 2 3 4 5
         TXT   "one" "two"
www      CNAME web.host.test.
lost     CNAME nowhere.test.
loop     CNAME loop
bad      CNAME web.broken.test.
$ORIGIN host.test.
web      A     127.0.0.1
deep.er  A     127.0.0.2
*.w      TXT   "wild"
at.w     A     127.0.0.3
;fault servfail broken.test.
; fault silent mute.test.
"""


def ask(name: str, rdtype: str, text: str = TEXT) -> dns.message.Message | None:
    return records.answer(records.read(text), dns.message.make_query(name, rdtype))


def told(name: str, rdtype: str) -> tuple[str, list[str]]:
    answer = ask(name, rdtype)
    assert answer is not None
    return dns.rcode.to_text(answer.rcode()), [str(rrset) for rrset in answer.answer]


def test_a_cname_is_followed_into_another_zone() -> None:
    code, answers = told("www.acme.test.", "A")
    assert (code, answers) == (
        "NOERROR",
        ["www.acme.test. 30 IN CNAME web.host.test.", "web.host.test. 30 IN A 127.0.0.1"],
    )


def test_a_cname_that_is_asked_for_is_not_followed() -> None:
    assert told("www.acme.test.", "CNAME") == ("NOERROR", ["www.acme.test. 30 IN CNAME web.host.test."])


def test_a_cname_into_nothing_says_so() -> None:
    assert told("lost.acme.test.", "A") == ("NXDOMAIN", ["lost.acme.test. 30 IN CNAME nowhere.test."])


def test_a_cname_into_a_broken_zone_fails() -> None:
    assert told("bad.acme.test.", "A")[0] == "SERVFAIL"


def test_a_cname_loop_ends() -> None:
    assert told("loop.acme.test.", "A")[0] == "NOERROR"


@pytest.mark.parametrize(
    ("name", "rdtype", "code"),
    [
        ("acme.test.", "MX", "NOERROR"),
        ("www.acme.test.", "MX", "NOERROR"),
        ("er.host.test.", "A", "NOERROR"),
        ("nobody.acme.test.", "A", "NXDOMAIN"),
        ("nobody.example.", "A", "NXDOMAIN"),
        ("ACME.test.", "TXT", "NOERROR"),
    ],
)
def test_no_such_record_is_not_no_such_name(name: str, rdtype: str, code: str) -> None:
    assert told(name, rdtype)[0] == code


def test_a_denial_carries_the_soa_of_its_zone() -> None:
    answer = ask("nobody.acme.test.", "A")
    assert answer is not None
    assert [str(rrset.name) for rrset in answer.authority] == ["acme.test."]


def test_a_wildcard_answers_for_names_that_are_not_there() -> None:
    assert told("any.thing.w.host.test.", "TXT") == ("NOERROR", ['any.thing.w.host.test. 30 IN TXT "wild"'])
    assert told("any.w.host.test.", "A") == ("NOERROR", [])
    assert told("at.w.host.test.", "TXT") == ("NOERROR", [])


def test_a_fault_holds_for_everything_below_its_name() -> None:
    assert told("broken.test.", "A")[0] == told("mx.broken.test.", "MX")[0] == "SERVFAIL"
    assert ask("mx.mute.test.", "A") is None


def test_any_is_everything_that_stands_there() -> None:
    assert len(told("acme.test.", "ANY")[1]) == 2


@pytest.mark.parametrize("text", ["a.test. MX", "a.test. A 1.2.3.4.5", "a. CNAME b.\na. A 127.0.0.1", "$FOO"])
def test_a_mistake_in_the_text_is_an_exception(text: str) -> None:
    with pytest.raises((dns.exception.DNSException, ValueError)):
        records.read(text)


@settings(deadline=None)  # a machine that does other things as well is no finding
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=700))
def test_any_text_comes_out_of_the_default_zone_as_it_went_in(value: str) -> None:
    sender = zone.Sender(domain="acme.test", dkim=value)
    text = zone.text("postscale.test", sender)
    answer = ask("postscale._domainkey.acme.test.", "TXT", text)
    assert answer is not None
    assert b"".join(answer.answer[0][0].strings) == value.encode()
    assert zone.publishes(text, sender)


@pytest.mark.parametrize("label", ["api", "smtp", "mx", "out", "track"])
def test_the_platform_has_its_hosts(label: str) -> None:
    answer = ask(f"{label}.postscale.test.", "A", default())
    assert answer is not None
    assert answer.answer


def test_the_return_path_leads_to_the_bounce_host_of_the_platform() -> None:
    answer = ask("ps-bounces.acme.test.", "MX", default())
    assert answer is not None
    assert str(answer.answer[-1]) == "bounces.postscale.test. 60 IN MX 10 mx.postscale.test."


def test_gone_test_takes_no_mail() -> None:
    answer = ask("gone.test.", "MX", default())
    assert answer is not None
    assert str(answer.answer[0]) == "gone.test. 60 IN MX 0 ."


def test_another_key_is_noticed() -> None:
    assert not zone.publishes(default(), zone.Sender(domain="acme.test", dkim="v=DKIM1; p=CCCC"))


def default() -> str:
    return zone.text("postscale.test", zone.Sender(domain="acme.test", dkim="v=DKIM1; p=AAAA"))
