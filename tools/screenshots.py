"""The pictures of the page in docs/images: three widths, two themes, a line that is spoken, models.

python -m tools.screenshots [--out FOLDER]

It starts a server of its own and needs Chromium with fonts for Chinese and Japanese.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.chromium import chromium
from benchmarks.server import Server

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
COLOURS = 256  # in a picture of a page nobody sees that there are no more
PATIENCE_MS = 60_000
TRIES = 20  # to catch the word while it is lit
HISTORY = ["Who goes there?", "你好，旅行者。今晚的月亮真圆。", "遠くの山が、こたえてくれる。"]


@dataclass(frozen=True)
class Shot:
    """A picture: the browser's size, theme and language, and the word that is lit in it."""

    width: int
    height: int
    theme: str
    language: str
    text: str
    word: str

    @property
    def name(self) -> str:
        return f"{self.width}-{self.theme}.png"


ENGLISH = (
    "en",
    "The mountain hears you, traveller, and it answers in a voice of its own.",
    "answers",
)
CHINESE = ("zh", "山谷听见了你的呼唤，旅行者，它用自己的声音回答。", "旅行者")
JAPANESE = ("ja", "山はあなたの声を聞いて、自分の声でこたえます。", "声")
SHOTS = [
    Shot(1280, 1080, "light", *ENGLISH),
    Shot(1280, 1080, "dark", *JAPANESE),
    Shot(768, 1024, "light", *CHINESE),
    Shot(768, 1024, "dark", *ENGLISH),
    Shot(360, 780, "light", *JAPANESE),
    Shot(360, 780, "dark", *CHINESE),
]
OF_MODELS = (SHOTS[0], SHOTS[3], SHOTS[4])  # the models are shown in these besides


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    with Server() as server, chromium() as browser:
        for shot in SHOTS:
            page = open_page(browser, server.address, shot)
            wait_until_lit(page, shot)
            save(page.screenshot(), folder / f"page-{shot.name}")
            page.wait_for_selector("body[data-state=idle]")
            show_models(page)
            if shot in OF_MODELS:
                panel = page.locator(".models-panel")
                panel.evaluate("panel => panel.scrollIntoView({behavior: 'instant'})")
                save(page.screenshot(), folder / f"models-{shot.name}")
            page.context.close()


def open_page(browser: Browser, address: str, shot: Shot) -> Page:
    """Open the page and say the lines of the history."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        locale=shot.language,
        color_scheme="dark" if shot.theme == "dark" else "light",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#connection[data-t='connection.ready']")
    for text in HISTORY:
        say(page, text)
        page.wait_for_selector("body[data-state=idle]")
    return page


def say(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.wait_for_selector("body[data-state=speaking]")


def wait_until_lit(page: Page, shot: Shot) -> None:
    """Say the line until its word is lit; first once for the cache. A busy machine skips words."""
    say(page, shot.text)
    page.wait_for_selector("body[data-state=idle]")
    lit = f".word.now:has-text('{shot.word}')"
    for _ in range(TRIES):
        say(page, shot.text)
        page.wait_for_selector(f"{lit}, body[data-state=idle]")
        if page.locator(lit).count():
            return
    raise TimeoutError(f"{shot.word!r} was never lit; is the machine busy?")


def show_models(page: Page) -> None:
    """Scroll to the status and wait for the models and the devices, which are fetched then."""
    with page.expect_response("**/api/status"):
        page.locator("#status").scroll_into_view_if_needed()
    page.wait_for_selector(".models > li")
    page.wait_for_selector(".devices .chart")


def save(picture: bytes, path: Path) -> None:
    """Save a picture with few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
