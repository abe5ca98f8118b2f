import itertools
import re
import subprocess
import sys

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import BadAddress
from chalicelib.mail.address import UNSAFE, Address, parse

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800, 0xDFFF)]
LONGEST_DOMAIN = ".".join(["a" * 63, "b" * 63, "c" * 56, "test"])  # 189 octets, 254 with 64 and the @

GOOD = [
    ("ann@acme.test", "ann", "acme.test", ""),
    ("  ann@acme.test ", "ann", "acme.test", ""),
    ("Ann.Lee+x@ACME.Test", "Ann.Lee+x", "acme.test", ""),
    ("a!b%c/d='{}@mail.acme.test", "a!b%c/d='{}", "mail.acme.test", ""),
    ("ann@printer.local", "ann", "printer.local", ""),
    ("<ann@acme.test>", "ann", "acme.test", ""),
    ("Ann <ann@acme.test>", "ann", "acme.test", "Ann"),
    ("Ann<ann@acme.test>", "ann", "acme.test", "Ann"),
    ("Dr. Ann Lee Jr. <ann@acme.test>", "ann", "acme.test", "Dr. Ann Lee Jr."),
    ('"Lee, Ann" <ann@acme.test>', "ann", "acme.test", "Lee, Ann"),
    (r'"A \"B\" \\ C" <ann@acme.test>', "ann", "acme.test", r'A "B" \ C'),
    ('"" <ann@acme.test>', "ann", "acme.test", ""),
    ('"x <y@z.test>" <ann@acme.test>', "ann", "acme.test", "x <y@z.test>"),
    ("Ärger & Söhne <ann@acme.test>", "ann", "acme.test", "Ärger & Söhne"),
    ("安 <ann@acme.test>", "ann", "acme.test", "安"),
    ("ann@bücher.test", "ann", "xn--bcher-kva.test", ""),
    ("ann@BÜCHER.test", "ann", "xn--bcher-kva.test", ""),
    ("ann@xn--bcher-kva.test", "ann", "xn--bcher-kva.test", ""),
    ("ann@bücher。test", "ann", "xn--bcher-kva.test", ""),
    ("jörg@acme.test", "jörg", "acme.test", ""),
    ("jo\u0308rg@acme.test", "jörg", "acme.test", ""),
    ("用户@例子.test", "用户", "xn--fsqu00a.test", ""),
    ("a" * 64 + "@acme.test", "a" * 64, "acme.test", ""),
    ("a" * 64 + "@" + LONGEST_DOMAIN, "a" * 64, LONGEST_DOMAIN, ""),
    ("n" * 320 + " <ann@acme.test>", "ann", "acme.test", "n" * 320),
]

BAD = [
    ("", "@"),
    ("ann", "@"),
    ("@acme.test", "before the @"),
    ("ann@", "after the @"),
    ("ann@acme", "period"),
    ("ann@@acme.test", "@"),
    ("ann@acme.test.", "period"),
    ("ann@.acme.test", "period"),
    ("ann@acme..test", "period"),
    (".ann@acme.test", "period"),
    ("ann.@acme.test", "period"),
    ("a..n@acme.test", "period"),
    ("an n@acme.test", "SPACE"),
    ("ann@ac me.test", "SPACE"),
    ("ann@-acme.test", "hyphen"),
    ("ann@acme-.test", "hyphen"),
    ("ann@ac_me.test", "_"),
    ("ann@127.0.0.1", "top-level"),
    ("ann@[127.0.0.1]", "IP address"),
    ("ann@[IPv6:::1]", "IP address"),
    ("ann@acme.test, bob@acme.test", "exactly one"),
    ("ann@acme.test bob@acme.test", "@"),
    ("ann@acme.test; bob@acme.test", "exactly one"),
    ("Ann <ann@acme.test>, Bob <bob@acme.test>", "double quotes"),
    ("Team: ann@acme.test, bob@acme.test;", "exactly one"),
    ("Team:;", "exactly one"),
    ("Team: <ann@acme.test>;", "exactly one"),
    ("undisclosed-recipients:;", "exactly one"),
    ("@relay.test:ann@acme.test", "exactly one"),
    ("<@relay.test,@b.test:ann@acme.test>", "exactly one"),
    ("Lee, Ann <ann@acme.test>", "double quotes"),
    ("Ann (work) <ann@acme.test>", "double quotes"),
    ('Ann "the" Lee <ann@acme.test>', "double quotes"),
    ('"Ann" "Lee" <ann@acme.test>', "double quotes"),
    ('"Ann <ann@acme.test>', "double quotes"),
    ("<<ann@acme.test>>", "double quotes"),
    ("ann@acme.test>", "opening one"),
    ("Ann <ann@acme.test", "be followed by a close"),
    ("Ann <>", "@"),
    ("<ann@acme.test> Ann", "angle bracket|after the email address"),
    ('"ann lee"@acme.test', "quotes"),
    ('"ann@evil.test"@acme.test', "quotes"),
    ("=?utf-8?q?bob=40evil.test?=@acme.test", "encoded word"),
    ("ann\uff20acme.test", "at-sign"),
    ("a\u202enn@acme.test", "unsafe"),
    ("ann@ac\u200bme.test", "invalid|unsafe"),
    ("ann@xn--a.test", "IDN|invalid|Punycode"),
    ("a" * 65 + "@acme.test", "64 octets"),
    ("ö" * 33 + "@acme.test", "64 octets"),
    ("a" * 64 + "@x." + LONGEST_DOMAIN, "254"),
    ("ann@" + "a" * 64 + ".test", "so many characters"),
    ("n" * 321 + " <ann@acme.test>", "320"),
    ("n" * 1_000_000, "longer than"),
]


@pytest.mark.parametrize(("text", "local", "domain", "name"), GOOD)
def test_an_address_is_read(text: str, local: str, domain: str, name: str) -> None:
    assert parse(text) == Address(local=local, domain=domain, name=name)


@pytest.mark.parametrize(("text", "why"), BAD)
def test_what_no_mail_system_could_use_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(BadAddress, match=f"cannot be used: .*({why})") as refusal:
        parse(text)
    assert repr(text)[1:20].rstrip("'\"") in refusal.value.message


def test_a_refusal_names_the_address_but_not_all_of_a_long_one() -> None:
    with pytest.raises(BadAddress) as refusal:
        parse("x" * 5_000)
    assert "'" + "x" * 60 + "…'" in refusal.value.message
    assert len(refusal.value.message) < 200


def test_control_characters_are_refused_wherever_they_stand() -> None:
    for control, text in itertools.product(
        CONTROLS, ("Ann <ann@acme.test>", '"A \\n" <ann@acme.test>', "ann@bücher.test")
    ):
        for place in range(len(text) + 1):
            with pytest.raises(BadAddress, match="control character"):
                parse(text[:place] + control + text[place:])


def test_an_address_that_could_break_a_header_cannot_be_made() -> None:
    for control in CONTROLS:
        for bad in ({"local": f"a{control}"}, {"domain": f"acme{control}.test"}, {"name": f"Ann{control}"}):
            with pytest.raises(BadAddress, match="control character"):
                Address(**({"local": "ann", "domain": "acme.test", "name": "Ann"} | bad))


@pytest.mark.parametrize("part", ["a b", "a,b", "a>", "a<b", "a@b", "", ".", "a.", '"a"', "a:b"])
def test_an_address_that_is_not_well_formed_cannot_be_made(part: str) -> None:
    with pytest.raises(BadAddress, match="before the @"):
        Address(local=part, domain="acme.test")
    with pytest.raises(BadAddress, match="after the @"):
        Address(local="ann", domain=f"{part}.test")


@pytest.mark.parametrize("domain", ["Acme.test", "bücher.test", "test", "acme.test.", "10.0.0.1"])
def test_a_domain_is_kept_as_a_lower_case_a_label_only(domain: str) -> None:
    with pytest.raises(BadAddress, match="after the @"):
        Address(local="ann", domain=domain)


def test_an_address_knows_its_form_on_the_wire() -> None:
    assert parse("Ann <Ann@ACME.test>").addr_spec == "Ann@acme.test"


def test_reading_plain_addresses_does_not_load_the_library() -> None:
    code = (
        "import sys; from chalicelib.mail.address import parse; parse('A <a@b.test>'); sys.exit('idna' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (our interpreter, our text)


@settings(max_examples=80)
@given(st.text(max_size=40) | st.text('ab1.@<>"\\,:;[] -_=?é\uff20。\u0301\r', max_size=20))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse(text)
    except BadAddress:
        return
    assert not UNSAFE.search(text)
    assert parse(address.addr_spec) == Address(local=address.local, domain=address.domain)


# No label is longer than four letters: none of the library's special-use names, which we leave to the DNS.
_DOMAINS = st.lists(st.text("az0-é", min_size=1, max_size=4), min_size=1, max_size=3).map(".".join)


@settings(max_examples=60)
@given(st.builds("{}@{}".format, st.text("a!.é", min_size=1, max_size=3), _DOMAINS))
def test_addresses_are_judged_as_the_library_judges_them(text: str) -> None:
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        with pytest.raises(BadAddress):
            parse(text)
    else:
        assert parse(text) == Address(local=found.local_part, domain=found.ascii_domain or "")


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=320))
def test_every_name_can_be_said_in_double_quotes(name: str) -> None:
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    assert parse(f'"{quoted}" <ann@acme.test>') == Address(local="ann", domain="acme.test", name=name.strip(" "))
