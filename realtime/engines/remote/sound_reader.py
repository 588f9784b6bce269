"""The sound in an answer, as it comes: WAV, or plain PCM, at the rate that we keep."""

from __future__ import annotations

import struct

import numpy as np

from realtime.audio.samples import Pcm, Resampler, Samples, from_pcm16, pcm_from_bytes, to_pcm16

MOST_HEADER = 64 << 10  # bytes before the sound, with chunks that other programs put there
GROWING = (0, 0x7FFFFFFF)  # sizes in a header: none, and from which on it is none that is known
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
MOST_RATE = 192_000


class NotSound(ValueError):
    """An error of bytes that are no sound which is read here; the message says why."""


class SoundReader:
    """A reader of the bytes of one answer."""

    def __init__(self, rate: int, plain_rate: int | None = None) -> None:
        """Read for `rate`; `plain_rate` is that of sound without a header, None: there is none."""
        self.samples = 0  # that were given
        self._target = rate
        self._plain_rate = plain_rate
        self._waiting = b""
        self._form: _Form | None = None
        self._left: int | None = None  # bytes of sound that the header promises; None: unknown
        self._resampler = Resampler(rate, rate)

    def feed(self, data: bytes) -> Samples:
        self._waiting += data
        if self._form is None and not self._begin():
            return np.zeros(0, np.float32)
        return self._given(self._resampler.feed(self._whole_frames()))

    def finish(self) -> Samples:
        """Return the last samples; sound that is shorter than its header says is an error."""
        if self._form is None:
            raise NotSound(f"it holds {len(self._waiting)} bytes and no sound")
        if self._left:
            raise NotSound(f"{self._left} bytes of its sound are missing")
        return self._given(self._resampler.finish())

    def _given(self, pcm: Pcm) -> Samples:
        self.samples += pcm.size
        return from_pcm16(pcm)

    def _begin(self) -> bool:
        """Find out what the bytes are, as soon as enough of them are there."""
        if len(self._waiting) < 4:
            return False
        if self._waiting[:4] == b"RIFF":
            found = _read_header(self._waiting)
            if found is None:
                if len(self._waiting) > MOST_HEADER:
                    raise NotSound("its WAV header has no end")
                return False
            self._form, start, size = found
            self._left = size
            self._waiting = self._waiting[start:]
        elif self._plain_rate is None:
            raise NotSound(f"it begins with {self._waiting[:4]!r}, which is no WAV")
        else:
            self._form = _Form(PCM, 1, self._plain_rate, 16)
        self._resampler = Resampler(self._form.rate, self._target)
        return True

    def _whole_frames(self) -> Pcm:
        assert self._form is not None, "the header is read first"
        size = len(self._waiting) // self._form.frame * self._form.frame
        if self._left is not None:  # chunks may follow the sound, such as titles
            size = min(size, self._left)
        sound, self._waiting = self._waiting[:size], self._waiting[size:]
        if self._left is not None:
            self._left -= size
            self._waiting = self._waiting if self._left else b""
        return self._form.pcm(sound)


class _Form:
    """The form of samples: as whole numbers of 16 bits or as floats, of one channel or two."""

    def __init__(self, kind: int, channels: int, rate: int, bits: int) -> None:
        if (kind, bits) not in ((PCM, 16), (FLOAT, 32)):
            raise NotSound(f"its WAV has samples of kind {kind} with {bits} bits; 16 are read here")
        if channels not in (1, 2) or not 1_000 <= rate <= MOST_RATE:
            raise NotSound(f"its WAV has {channels} channels at {rate} Hz")
        self.rate = rate
        self.frame = channels * bits // 8
        self._channels = channels
        self._kind = kind

    def pcm(self, data: bytes) -> Pcm:
        if self._kind == FLOAT:
            samples: Samples = np.frombuffer(data, "<f4").astype(np.float32)
        elif self._channels == 1:
            return pcm_from_bytes(data)
        else:
            samples = from_pcm16(pcm_from_bytes(data))
        return to_pcm16(samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32))


def _read_header(data: bytes) -> tuple[_Form, int, int | None] | None:
    """Return the form, where the sound starts and its bytes; None while the header goes on."""
    place, form = 12, None
    while len(data) >= place + 8:
        name, size = data[place : place + 4], struct.unpack_from("<I", data, place + 4)[0]
        place += 8
        if name == b"data":
            if form is None:
                raise NotSound("its WAV header does not say what its samples are")
            known = GROWING[0] < size < GROWING[1]
            return form, place, size if known else None
        if name == b"fmt ":
            if len(data) < place + 16:
                return None
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, place)
            if kind == EXTENSIBLE and size >= 26 and len(data) >= place + 26:
                kind = struct.unpack_from("<H", data, place + 24)[0]
            form = _Form(kind, channels, rate, bits)
        place += size + size % 2
    return None
