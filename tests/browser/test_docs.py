"""The page of the API: every operation of the document is there, and its commands work."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from realtime.services import build
from realtime.settings import Settings
from tests.browser.conftest import NewVisit, Visit
from tests.browser.test_access import findings
from tests.support.keyed_server import SECRET
from tests.support.server import LiveServer, serving
from tests.support.uploads import recording
from tests.support.voice_like_sound import pcm, voice

# Commands whose answer says that there is nothing by the example's name.
ERRORS = {
    "get_lines_key": 404,
    "get_audio_language_character_mode_file": 404,
    "get_prefetch_id": 404,
    "delete_prefetch_id": 404,
    "post_login": 404,
    # There are no weights, no character was made of a clip, and nobody restarts the server.
    "get_set_gpt_weights": 400,
    "get_set_sovits_weights": 400,
    "get_set_refer_audio": 400,
    "post_set_refer_audio": 400,
    "delete_voice_name": 400,
    "get_control": 403,
}
# Their answer depends on what else was done, or on weights.
EITHER = {
    "get_en_rest": {200, 404},
    "get_zh_rest": {200, 404},
    "get_ja_rest": {200, 404},
    "get_mix_rest": {200, 404},
    "get_api_characters_name_picture": {200, 404},
    "post_api_characters": {503},
    "post_upload_voice": {400},
    "get_ready": {200, 503},
    "post_api_tasks_name_preload": {200, 404},  # the command before it may forget the task
    "post_api_tasks_name_cleanup": {200, 404},
    "get_ws": {101},
}


def open_docs(visit: Visit, path: str = "/docs") -> Visit:
    visit.page.goto(visit.url + path)
    expect(visit.page.locator(".operation")).not_to_have_count(0)
    return visit


def document_of(live: LiveServer) -> dict[str, Any]:
    found: dict[str, Any] = live.get("/openapi.json")
    return found


def operations_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every operation by its id."""
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


@pytest.fixture
def docs(new_visit: NewVisit, real: LiveServer) -> Iterator[Visit]:
    with new_visit(real) as visit:
        yield open_docs(visit)


def open_all(visit: Visit) -> None:
    visit.page.evaluate(
        "document.querySelectorAll('.operation').forEach((each) => { each.open = true; })"
    )
    unfilled = visit.page.locator(".operation .body:empty")
    expect(unfilled).to_have_count(0)
    visit.page.evaluate("document.querySelectorAll('.answer').forEach((a) => { a.open = true; })")


def test_every_operation_of_the_document_is_shown(docs: Visit, real: LiveServer) -> None:
    page, document = docs.page, document_of(real)
    operations = operations_of(document)
    assert len(operations) > 50
    shown = page.locator("[data-operation]").all()
    assert sorted(str(each.get_attribute("data-operation")) for each in shown) == sorted(operations)
    assert all(each.is_visible() for each in shown)
    expect(page.locator("section h2")).to_have_text([tag["name"] for tag in document["tags"]])
    open_all(docs)
    entries = page.evaluate(
        """Object.fromEntries([...document.querySelectorAll(".operation")].map((each) =>
             [each.id, {
               text: each.innerText,
               statuses: [...each.querySelectorAll(".answer")].map((a) => a.dataset.status),
             }]))"""
    )
    for id, operation in operations.items():
        if id.partition("_")[0] != "head":
            check_entry(entries[id], operation, document["components"]["schemas"])


def check_entry(entry: dict[str, Any], operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Check that an entry of the page has all that the document says of its operation."""
    id, text = operation["operationId"], entry["text"]
    assert operation["summary"] in text and "curl " in text, id
    assert entry["statuses"] == list(operation["responses"]), id
    for parameter in operation.get("parameters", []):
        assert f"{parameter['name']} ({parameter['in']})" in text, id
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        assert media_type in text, id
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        for field in schemas.get(name, {}).get("properties", {}):
            assert field in text, (id, field)


def test_a_schema_is_told_to_its_last_field(docs: Visit) -> None:
    open_all(docs)
    body = docs.page.locator("#post_api_process .content").first.locator("tbody tr")
    audio = body.filter(has_text="audio").first
    expect(audio).to_contain_text("file[] items 1 … 16")
    expect(audio).to_contain_text("needed")
    expect(body.filter(has_text="effect")).to_contain_text('"none" | "robot" | "whisper"')
    answer = docs.page.locator("#post_lines [data-status='400'] tbody")
    expect(answer).to_contain_text('"text_too_long"')
    models = docs.page.locator("#get_api_models [data-status='200'] tbody")
    expect(models).to_contain_text("models[].files[].")


def status_of(command: str, folder: Path) -> int:
    """Run a command of the page; return the status of its answer."""
    # A socket stays open and events go on: what curl tells then is the status of the beginning.
    patience = 2 if "Upgrade" in command or "/api/events" in command else 120
    config = f'silent\nmax-time = {patience}\nwrite-out = "\\n%{{http_code}}"\n'
    (folder / "config").write_text(config)
    line = f'curl() {{ command curl -K config "$@"; }}; {command}'
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, check=False)
    return int(done.stdout.rpartition(b"\n")[2])


def test_every_command_is_ready(docs: Visit, real: LiveServer, tmp_path: Path) -> None:
    """Each is run in a shell, and answered with a status of the document that is no mistake."""
    for name in ("hello.wav", "clip.wav"):
        (tmp_path / name).write_bytes(recording(pcm(voice(4.0))))
    open_all(docs)
    commands = docs.page.evaluate(
        """[...document.querySelectorAll(".operation")].map((each) =>
             [each.id, [...each.querySelectorAll(".command code")].map((c) => c.textContent)])"""
    )
    document = operations_of(document_of(real))
    assert len(commands) > 30
    for id, (command, *heads) in commands:
        status = status_of(command, tmp_path)
        assert str(status) in document[id]["responses"], (id, command, status)
        usual = {ERRORS.get(id, status if status < 400 else 0)}
        assert status in EITHER.get(id, usual), (id, command, status)
        head_id = id.replace("get", "head", 1) if id != "get_ws" else ""
        assert len(heads) == (head_id != id and head_id in document)
        for head in heads:
            assert str(status_of(head, tmp_path)) in document[head_id]["responses"], head


def test_operations_are_searched(docs: Visit) -> None:
    page = docs.page
    page.fill("#search", "PREFETCH delete")
    expect(page.locator(".operation:visible")).to_have_count(1)
    expect(page.locator("section:visible")).to_have_count(1)
    page.fill("#search", "nothing of the kind")
    expect(page.locator("#none")).to_be_visible()
    page.fill("#search", "")
    expect(page.locator("#none")).to_be_hidden()
    expect(page.locator(".operation:visible")).not_to_have_count(1)


def test_an_address_opens_its_operation(new_visit: NewVisit, real: LiveServer) -> None:
    with new_visit(real) as visit:
        open_docs(visit, "/docs#post_lines")
        expect(visit.page.locator("#post_lines .command")).to_be_visible()
        expect(visit.page.locator("#post_lines > summary")).to_be_in_viewport()
        assert visit.page.locator(".operation[open]").count() == 1


def test_a_command_is_copied(new_visit: NewVisit, real: LiveServer) -> None:
    with new_visit(real, permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = open_docs(visit, "/docs#get_time").page
        page.click("#get_time .command button >> nth=0")
        expect(page.locator("#message")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == f"curl {real.url}/time"


WORDS = {"zh": "响应", "ja": "応答", "en": "Answers"}


@pytest.mark.parametrize(("theme", "languages"), [("light", ("zh", "en")), ("dark", ("ja",))])
def test_it_can_be_read_by_everybody(
    new_visit: NewVisit, real: LiveServer, theme: str, languages: tuple[str, ...]
) -> None:
    with new_visit(real, color_scheme=theme, reduced_motion="reduce") as visit:
        page = open_docs(visit, "/docs#post_api_process").page
        page.click("#post_api_process [data-status='400'] > summary")
        for language in languages:
            page.select_option("#page-language", language)
            expect(page.locator("#post_api_process h3").last).to_have_text(WORDS[language])
            assert findings(visit) == [], language


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_hangs_over_the_edge(new_visit: NewVisit, real: LiveServer, width: int) -> None:
    with new_visit(real, viewport={"width": width, "height": 800}) as visit:
        open_all(open_docs(visit))
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_page_leads_there_and_back(visit: Visit) -> None:
    page = visit.page
    page.click("footer a")
    expect(page.locator(".operation")).not_to_have_count(0)
    page.click("h1 a")
    visit.wait_for_connection("ready")


def test_where_there_are_keys_the_document_needs_one(
    new_visit: NewVisit, real_settings: Settings
) -> None:
    keyed = replace(real_settings, keys=(f"bot:{SECRET}",), preload=())
    with serving(build(keyed)) as live, new_visit(live) as visit:
        visit.allow("401")
        page = visit.page
        page.goto(visit.url + "/docs")
        expect(page.locator("#login")).to_be_visible()
        assert page.locator(".operation").count() == 0
        page.fill("#key", f"bot:{SECRET}")
        page.press("#key", "Enter")
        expect(page.locator("#get_api_status")).to_contain_text("needs a key")
        page.click("#get_api_status > summary")
        expect(page.locator("#get_api_status .command").first).to_contain_text("$YAMABIKO_KEY")
        assert SECRET not in page.content()
        expect(page.locator("#get_time")).not_to_contain_text("needs a key")
