"""A client that speaks with another voice through the live socket, and prints how late it is.

    pip install websockets            # and sounddevice, for a microphone and a loudspeaker
    python examples/voice.py hello.wav --character am_puck --out puck.wav
    python examples/voice.py --microphone --play --character af_heart

A WAV file (16 bits, mono) is sent in real time, as a microphone would. The sound that comes back
begins with the first sample that was sent, so the place in it tells how late it is.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
import wave
from contextlib import ExitStack

from websockets.asyncio.client import connect

RATE = 24000
FRAME_SECONDS = 0.02
CHANGES = {"pitch": float, "formant": float, "breath": float, "gate": float, "effect": str}


async def speak(options):
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    with ExitStack() as devices:
        rate, frames = open_microphone(options, devices)
        hear = open_output(options, rate, devices)
        async with connect(
            options.url,
            subprotocols=["yamabiko.v1"],
            additional_headers=headers,
            compression=None,
        ) as socket:
            json.loads(await socket.recv())  # `ready`
            given = {name: getattr(options, name) for name in (*CHANGES, "character", "engine")}
            fields = {name: value for name, value in given.items() if value is not None}
            await send(socket, "listen", id="mic", sample_rate=rate, meter=True, **fields)
            times = {}
            sending = asyncio.create_task(send_sound(socket, frames, times))
            try:
                await receive(socket, rate, times, hear)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)


async def send_sound(socket, frames, times):
    times["start"] = time.perf_counter()
    for number, frame in enumerate(frames):
        due = times["start"] + (number + 1) * FRAME_SECONDS
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await socket.send(frame)
    await send(socket, "listen.end", id="mic")


async def receive(socket, rate, times, hear):
    samples, delays = 0, []
    async for message in socket:
        if isinstance(message, bytes):
            # From the moment when its first sample was spoken to now.
            delays.append(time.perf_counter() - times["start"] - samples / rate)
            samples += (len(message) - 4) // 2
            hear(message[4:])
            continue
        event = json.loads(message)
        if event["type"] in ("notice", "error"):
            print(f"{event['code']}: {event['message']}", file=sys.stderr)
        if event["type"] == "meter":
            print(
                f"{event['seconds']:.1f} s: waits {event['queue']:.1f} ms, computes "
                f"{event['engine']:.1f} ms for {event['block']:.0f} ms",
                file=sys.stderr,
            )
        if event["type"] in ("done", "cancelled", "error"):
            break
    if delays:
        ranked = sorted(1000 * delay for delay in delays)
        print(
            f"{samples / rate:.2f} s heard, {statistics.median(ranked):.0f} ms late "
            f"(95 of 100 within {ranked[int(0.95 * len(ranked))]:.0f} ms)",
            file=sys.stderr,
        )


async def send(socket, kind, **fields):
    await socket.send(json.dumps({"type": kind, **fields}))


def open_microphone(options, devices):
    """Return the sample rate of a microphone or a file, and its frames of 20 ms."""
    if options.microphone:
        import sounddevice

        source = devices.enter_context(
            sounddevice.RawInputStream(samplerate=RATE, channels=1, dtype="int16")
        )
        return RATE, iter(lambda: bytes(source.read(round(FRAME_SECONDS * RATE))[0]), b"")
    with wave.open(options.file) as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            sys.exit(f"{options.file} is not mono with 16 bits.")
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    step = 2 * round(FRAME_SECONDS * rate)
    return rate, (pcm[start : start + step] for start in range(0, len(pcm), step))


def open_output(options, rate, devices):
    """Return a function that takes sound: into a file, to the loudspeaker, or nowhere."""
    if options.play:
        import sounddevice

        stream = devices.enter_context(
            sounddevice.RawOutputStream(samplerate=rate, channels=1, dtype="int16")
        )
        return stream.write
    if options.out:
        file = devices.enter_context(wave.open(options.out, "wb"))
        file.setparams((1, 2, rate, 0, "NONE", ""))
        return file.writeframes
    return lambda pcm: None


def main():
    parser = argparse.ArgumentParser(description="Speak with another voice, live.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", help="a WAV file instead of a microphone")
    source.add_argument("--microphone", action="store_true", help="with the package sounddevice")
    parser.add_argument("--url", default="ws://127.0.0.1:8000/ws")
    parser.add_argument("--key", help="id:secret, where the server asks for one")
    parser.add_argument("--character", help="whose voice it becomes")
    parser.add_argument("--engine")
    for name, kind in CHANGES.items():
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--out", metavar="FILE", help="a WAV file with what was heard")
    parser.add_argument("--play", action="store_true", help="play with the package sounddevice")
    asyncio.run(speak(parser.parse_args()))


if __name__ == "__main__":
    main()
