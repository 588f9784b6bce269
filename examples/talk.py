"""A client of Yamabiko's live socket: types lines, hears them, and prints how long it took.

    pip install websockets            # and sounddevice, to play
    python examples/talk.py "Hello there. How are you today?" --out hello.wav
    python examples/talk.py --play --character af_bella < lines.txt

Each line is written word by word, as a person or a language model writes, and is heard while it is
still being written. With --key it sends its key in a header; pages and other clients that cannot
set headers ask for a ticket instead (docs/protocol.md).
"""

import argparse
import asyncio
import json
import re
import struct
import sys
import time
import wave
from contextlib import ExitStack

from websockets.asyncio.client import connect

RATE = 24000


async def talk(options):
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    with ExitStack() as outputs:
        hear = open_output(options, outputs)
        async with connect(
            options.url,
            subprotocols=["yamabiko.v1"],
            additional_headers=headers,
            compression=None,
        ) as socket:
            ready = json.loads(await socket.recv())
            print(f"{ready['protocol']}: {len(ready['characters'])} characters", file=sys.stderr)
            lines = options.text or (line.strip() for line in sys.stdin)
            for number, text in enumerate(filter(None, lines), 1):
                await say(socket, f"line-{number}", text, options, hear)


async def say(socket, id, text, options, hear):
    """Write one line and hear it to its end, both at the same time."""
    times = {"clause": None}
    writing = asyncio.create_task(write(socket, id, text, options, times))
    try:
        await listen(socket, id, times, hear)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def write(socket, id, text, options, times):
    given = {"character": options.character, "language": options.language}
    given["engine"] = options.engine
    fields = {name: value for name, value in given.items() if value}
    await send(socket, "say", id=id, text="", more=True, sample_rate=RATE, **fields)
    for word in re.findall(r"\S+\s*", text):
        await asyncio.sleep(len(word) / options.speed)
        await send(socket, "text", id=id, text=word)
        if times["clause"] is None and re.search(r"[,.;:!?…，。！？、]", word):
            times["clause"] = time.perf_counter()
    await send(socket, "end", id=id)
    times["clause"] = times["clause"] or time.perf_counter()


async def listen(socket, id, times, hear):
    async for message in socket:
        now = time.perf_counter()
        if isinstance(message, bytes):
            stream = struct.unpack_from("<I", message)[
                0
            ]  # always this line's: they are said one by one
            if "first" not in times:
                times["first"] = now
                print(f"{id}: stream {stream} begins", file=sys.stderr)
            hear(message[4:])
            continue
        event = json.loads(message)
        if event.get("id") != id:
            continue
        if event["type"] == "error":
            print(f"{id}: {event['code']}: {event['message']}", file=sys.stderr)
            return
        if event["type"] == "cancelled":
            return
        if event["type"] == "done":
            first_ms = 1000 * (times["first"] - (times["clause"] or now))
            print(
                f"{id}: first sound {first_ms:.0f} ms after the first clause, "
                f"{event['duration']:.2f} s, server {event['timing']}, "
                f"{event['url'] or 'not kept'}",
                file=sys.stderr,
            )
            return


async def send(socket, kind, **fields):
    await socket.send(json.dumps({"type": kind, **fields}))


def open_output(options, outputs):
    """Return a function that takes sound: into a file, to the loudspeaker, or nowhere."""
    if options.play:
        import sounddevice

        stream = outputs.enter_context(
            sounddevice.RawOutputStream(samplerate=RATE, channels=1, dtype="int16")
        )
        return stream.write
    if options.out:
        file = outputs.enter_context(wave.open(options.out, "wb"))
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        return file.writeframes
    return lambda pcm: None


def main():
    parser = argparse.ArgumentParser(description="Talk to Yamabiko's live socket.")
    parser.add_argument("text", nargs="*", help="lines to say; else standard input, line by line")
    parser.add_argument("--url", default="ws://127.0.0.1:8000/ws")
    parser.add_argument("--key", help="id:secret, where the server asks for one")
    parser.add_argument("--character")
    parser.add_argument("--language")
    parser.add_argument("--engine")
    parser.add_argument("--speed", type=float, default=30.0, help="letters a second (30)")
    parser.add_argument("--out", metavar="FILE", help="a WAV file with all that was heard")
    parser.add_argument("--play", action="store_true", help="play with the package sounddevice")
    asyncio.run(talk(parser.parse_args()))


if __name__ == "__main__":
    main()
