import xml.etree.ElementTree as ElementTree

import pyotp
import pytest

from service.errors import VeraGateError
from service.people.totp import STEP_SECONDS, Totp, matching_step, qr_code, uri
from service.secrets import Keys

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238 appendix B
NOW = 1111111109.0
KEYS = Keys(b"k" * 32)


def code_at(moment: float) -> str:
    return pyotp.TOTP(SECRET).at(int(moment))


def test_the_standards_code_is_right() -> None:
    """The test vector of RFC 6238 is accepted, with the blank that people type in the middle."""
    assert matching_step(SECRET, "081 804", None, NOW) == int(NOW // STEP_SECONDS)


def test_a_code_serves_once() -> None:
    """A step that was used, and every one before it, does not serve again; the next one does."""
    step = matching_step(SECRET, code_at(NOW), None, NOW)
    assert matching_step(SECRET, code_at(NOW), step, NOW) is None
    assert matching_step(SECRET, code_at(NOW - STEP_SECONDS), step, NOW) is None
    assert matching_step(SECRET, code_at(NOW + STEP_SECONDS), step, NOW) == (step or 0) + 1


@pytest.mark.parametrize("away", [-90, -60, 60, 90])
def test_a_code_has_its_time(away: int) -> None:
    """Codes more than one step early or late are wrong."""
    assert matching_step(SECRET, code_at(NOW + away), None, NOW) is None


@pytest.mark.parametrize("code", ["", "0818", "0818040", "८१८०४०", "abcdef", "081804\0"])
def test_nonsense_is_no_code(code: str) -> None:
    """What is not six digits is wrong, not an error."""
    assert matching_step(SECRET, code, None, NOW) is None


def test_sealed_secrets_belong_to_their_account() -> None:
    """A stored secret opens for its account and master secret alone, and is no form's proposal."""
    totp = Totp(KEYS)
    sealed = totp.seal("anna", SECRET)
    assert totp.open("anna", sealed) == SECRET
    for other, account, stored in (
        (totp, "bert", sealed),
        (Totp(Keys(b"j" * 32)), "anna", sealed),
        (totp, "anna", sealed[:-1]),
        (totp, "anna", b""),
    ):
        with pytest.raises(VeraGateError):
            other.open(account, stored)


def test_a_proposal_comes_back_from_the_form_unchanged() -> None:
    """The form's secret is accepted for the account that it was proposed to, and nothing else is."""
    totp = Totp(KEYS)
    secret, sealed = totp.propose("anna")
    assert totp.accept("anna", sealed) == secret
    assert secret not in sealed
    for account, proposed in (("bert", sealed), ("anna", sealed[:-4]), ("anna", ""), ("anna", "ü"), ("anna", "A")):
        with pytest.raises(VeraGateError, match="begin again"):
            totp.accept(account, proposed)


def test_the_qr_code_is_plain_svg() -> None:
    """The picture is one element without styles or scripts, which a strict policy shows."""
    svg = ElementTree.fromstring(qr_code(SECRET, "anna"))
    assert svg.tag == "svg"
    assert {child.tag for child in svg} == {"path"}
    assert all("style" not in element.attrib for element in svg.iter())
    assert uri(SECRET, "anna").startswith("otpauth://totp/VeraGate:anna?")
