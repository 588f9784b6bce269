"""Makes the pictures of the page in docs/images: three widths, two themes, while a line is spoken.

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
COLOURS = 256
PATIENCE_MS = 60_000
TRIES = 20
EARLIER = ["Who goes there?", "你好，旅行者。今晚的月亮真圆。", "遠くの山が、こたえてくれる。"]


@dataclass(frozen=True)
class Shot:
    """One picture: how the browser is, and the line whose word is lit when it is taken."""

    width: int
    height: int
    theme: str
    language: str
    text: str
    word: str

    @property
    def name(self) -> str:
        return f"page-{self.width}-{self.theme}.png"


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="FOLDER")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    with Server() as server, chromium() as browser:
        for shot in SHOTS:
            page = arrived(browser, server.address, shot)
            speaking(page, shot)
            keep(page.screenshot(), folder / shot.name)
            if shot is SHOTS[0]:
                whole(page, folder)
            page.context.close()


def arrived(browser: Browser, address: str, shot: Shot) -> Page:
    """The page with a few lines said before."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        locale=shot.language,
        color_scheme="dark" if shot.theme == "dark" else "light",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#wire[data-t='wire.ready']")
    for text in EARLIER:
        said(page, text)
        page.wait_for_selector("body[data-state=idle]")
    return page


def said(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.wait_for_selector("body[data-state=speaking]")


def speaking(page: Page, shot: Shot) -> None:
    """Once to have it in the cache, then until the word is lit: a busy machine leaves some out."""
    said(page, shot.text)
    page.wait_for_selector("body[data-state=idle]")
    lit = f".word.now:has-text('{shot.word}')"
    for _ in range(TRIES):
        said(page, shot.text)
        page.wait_for_selector(f"{lit}, body[data-state=idle]")
        if page.locator(lit).count():
            return
    raise TimeoutError(f"{shot.word!r} was never lit; is the machine busy?")


def whole(page: Page, folder: Path) -> None:
    """All of it, with what the server tells of itself now."""
    page.wait_for_selector("body[data-state=idle]")
    with page.expect_response("**/api/status"):
        page.locator("#status").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, 0)")
    keep(page.screenshot(full_page=True), folder / "page-whole.png")


def keep(picture: bytes, path: Path) -> None:
    """In few colours, which nobody sees in a picture of a page."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
