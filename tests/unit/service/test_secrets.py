import hmac
import os
import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from service.errors import ConfigurationError
from service.secrets import Keys, Label
from service.settings import Settings

SECRET = "00112233445566778899aabbccddeeff" * 2


def embedded(folder: Path) -> Settings:
    return Settings(data_folder=folder / "data")


def scaled(secret_file: Path) -> Settings:
    return Settings(
        mode="scaled", database_url="postgresql:///x", broker_url="redis://x", master_secret_file=secret_file
    )


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def load_and_derive(folder: Path) -> bytes:
    return Keys.load(embedded(folder)).derive(Label.UID)


def test_the_first_embedded_start_makes_a_secret(tmp_path: Path) -> None:
    """Embedded mode writes a secret that only its owner can read, and later starts use the same one."""
    first = load_and_derive(tmp_path)
    path = embedded(tmp_path).secret_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_and_derive(tmp_path) == first
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_processes_that_start_together_share_one_secret(tmp_path: Path) -> None:
    """Of eight processes that find no secret all end with the same one."""
    with get_context("spawn").Pool(8) as pool:
        assert len(set(pool.map(load_and_derive, [tmp_path] * 8))) == 1


def test_scaled_mode_makes_no_secret(tmp_path: Path) -> None:
    """Scaled mode refuses to start without its secret and does not invent one."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Keys.load(scaled(tmp_path / "absent"))
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A secret that group or world can read or write stops the start."""
    with pytest.raises(ConfigurationError, match="owner only"):
        Keys.load(scaled(written(tmp_path / "secret", SECRET, mode)))


@pytest.mark.parametrize("text", ["", "password", SECRET[:-2], SECRET[:-1] + "g", "é" * 64])
def test_a_weak_or_damaged_secret_is_refused(tmp_path: Path, text: str) -> None:
    """What is not at least 64 hex digits is no master secret, and the message does not quote it."""
    with pytest.raises(ConfigurationError) as raised:
        Keys.load(scaled(written(tmp_path / "secret", text)))
    assert not text or text not in str(raised.value)


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    """A folder where the secret should be is refused with a sentence, not with a crash."""
    folder = tmp_path / "secret"
    folder.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError):
        Keys.load(scaled(folder))


def test_keys_differ_by_label_and_context() -> None:
    """Two uses, or two contexts of one use, never share a key, and the same use always gets the same."""
    keys = Keys(bytes.fromhex(SECRET))
    derived = [keys.derive(label) for label in Label] + [keys.derive(Label.BYSTANDER, context=c) for c in ("a", "b")]
    assert len(set(derived)) == len(derived)
    assert keys.derive(Label.UID) == Keys(bytes.fromhex(SECRET)).derive(Label.UID)
    assert len(keys.derive(Label.UID, length=64)) == 64


def test_derivation_is_hkdf_and_stays_what_it_is() -> None:
    """Keys follow RFC 5869 over a fixed label: any other derivation would orphan every stored identity."""
    extracted = hmac.digest(bytes(32), bytes.fromhex(SECRET), "sha256")
    expanded = hmac.digest(extracted, b"veragate/1/latent\0\x01", "sha256")
    assert Keys(bytes.fromhex(SECRET)).derive(Label.LATENT) == expanded


def test_the_secret_is_not_shown() -> None:
    """Printing keys does not print the secret, and a short secret is no secret."""
    assert SECRET not in repr(Keys(bytes.fromhex(SECRET)))
    with pytest.raises(ValueError, match="at least"):
        Keys(os.urandom(16))
