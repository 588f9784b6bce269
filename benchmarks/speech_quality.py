"""Benchmark: a round trip through Whisper base: is what the characters say understood?

Sentences of one language give a word error rate (English) or a character error rate (Chinese in
simplified characters, Japanese in the kana of its reading). Mixed sentences are listened to in
their main language, and only the words of that language are compared.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.listening import Listener, errors, units
from benchmarks.sentences import MIXED, SENTENCES
from realtime.configuration import load_settings
from realtime.services import Services, build
from realtime.speech.request import LineRequest
from realtime.text.language import segments

ENGINES = {"en": ("hibari", "kokoro"), "zh": ("kokoro",), "ja": ("kokoro",)}


@dataclass(frozen=True)
class Task:
    """A sentence to be spoken and recognised."""

    group: str
    language: str
    text: str
    engine: str
    mixed: bool = False

    @property
    def expected(self) -> list[str]:
        if not self.mixed:
            return units(self.text, self.language)
        own = [part.text for part in segments(self.text, "mix") if part.language == self.language]
        return units(" ".join(own), self.language)

    def heard(self, text: str) -> list[str]:
        """Return the units to compare; of a mixed sentence only those of its main language.

        The words of the other language have no fixed spelling.
        """
        if self.mixed and self.language != "en":
            text = "".join(sign for sign in text if not sign.isascii())
        return units(text, self.language)


def tasks(languages: list[str], limit: int | None) -> Iterator[Task]:
    for language in languages:
        for engine in ENGINES[language]:
            for text in SENTENCES[language][:limit]:
                yield Task(f"{language} {engine}", language, text, engine)
    for language, text in MIXED[:limit]:
        if language in languages:
            yield Task("mixed kokoro", language, text, "kokoro", mixed=True)


async def spoken(services: Services, task: Task) -> Any:
    language = "mix" if task.mixed else task.language
    character = None if not task.mixed else services.characters.default(task.language).name
    request = LineRequest(task.text, character, language, noaccent=task.mixed, engine=task.engine)
    line = await services.speech.line(request)
    async with aclosing(services.speech.say(line, keep=False)) as parts:
        return np.concatenate([part.pcm async for part in parts])


async def run(languages: list[str], limit: int | None) -> dict[str, Any]:
    services = build(load_settings())
    listener = Listener(Path(tempfile.gettempdir()) / "yamabiko-whisper-base")
    found = []
    for task in tasks(languages, limit):
        pcm = await spoken(services, task)
        text = listener.hear(pcm, 24000, task.language)
        wrong = errors(task.expected, task.heard(text))
        found.append({"group": task.group, "said": task.text, "heard": text, "wrong": wrong})
        found[-1]["units"] = len(task.expected)
        print(".", end="", flush=True)
    await services.close()
    return {"groups": summed(found), "sentences": found}


def summed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the error rates over all sentences of each group."""
    rows = []
    for group in dict.fromkeys(item["group"] for item in found):
        items = [item for item in found if item["group"] == group]
        wrong, total = (sum(item[name] for item in items) for name in ("wrong", "units"))
        rate = round(100 * wrong / total, 2)
        rows.append({"group": group, "sentences": len(items), "units": total, "wrong": wrong})
        rows[-1]["error %"] = rate
    return rows


def main() -> None:
    parser = report.argument_parser("Is what the characters say understood?")
    parser.add_argument("--languages", nargs="+", default=list(SENTENCES), choices=SENTENCES)
    parser.add_argument("--limit", type=int, help="sentences of each group")
    options = parser.parse_args()
    figures = asyncio.run(run(options.languages, options.limit))
    worst = sorted(figures["sentences"], key=lambda item: -item["wrong"] / max(1, item["units"]))
    report.print_table(
        "Error rates (words in English, characters in Chinese and Japanese)", figures["groups"]
    )
    report.print_table("Least understood", [item for item in worst[:10] if item["wrong"]])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
