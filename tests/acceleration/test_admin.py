"""The networks of a server are switched and prepared together, or one by one."""

from __future__ import annotations

import pytest

from realtime.acceleration import Accelerated, Policy
from realtime.acceleration.admin import AccelerationAdmin
from realtime.errors import NotFound
from realtime.settings import AccelerationSettings
from tests.support.small_networks import AlteredBackend, accelerate_vocoder, altered, mel


def network(name: str, backends: list[AlteredBackend] | None = None) -> Accelerated:
    backends = [] if backends is None else backends
    return accelerate_vocoder(
        "compile", {"compile": altered(backends)}, policy=Policy(when_idle=True), name=name
    )


@pytest.fixture
def loaded() -> list[tuple[str, Accelerated]]:
    return [
        ("valle", network("step")),
        ("valle", network("vocos")),
        ("other:nana", network("step")),
    ]


def states(loaded: list[tuple[str, Accelerated]]) -> list[bool]:
    return [found.enabled for _, found in loaded]


@pytest.mark.parametrize(
    ("engine", "name", "wanted"),
    [
        (None, None, [False, False, False]),
        ("valle", None, [False, False, True]),
        ("valle", "step", [False, True, True]),
        ("other", None, [True, True, False]),
        ("other:nana", None, [True, True, False]),
        (None, "step", [False, True, False]),
    ],
)
def test_a_switch_is_for_all_or_for_some(
    loaded: list[tuple[str, Accelerated]],
    engine: str | None,
    name: str | None,
    wanted: list[bool],
) -> None:
    admin = AccelerationAdmin(lambda: loaded, AccelerationSettings())
    admin.switch(False, engine, name)
    assert states(loaded) == wanted
    admin.switch(True, engine, name)
    assert states(loaded) == [True, True, True]


def test_off_for_all_holds_for_what_is_loaded_later(loaded: list[tuple[str, Accelerated]]) -> None:
    admin = AccelerationAdmin(lambda: loaded, AccelerationSettings())
    admin.switch(False)
    loaded.append(("late", network("step")))
    assert not admin.prepare_when_quiet()
    assert states(loaded) == [False] * 4
    assert not admin.described()["enabled"]


def test_on_for_all_holds_for_what_is_loaded_later(
    loaded: list[tuple[str, Accelerated]],
) -> None:
    admin = AccelerationAdmin(lambda: loaded, AccelerationSettings(enabled=False))
    assert not admin.prepare_when_quiet() and states(loaded) == [False] * 3
    admin.switch(True)
    off = accelerate_vocoder("eager", policy=Policy(enabled=False))
    loaded.append(("late", off))
    admin.described()
    assert off.enabled


def test_one_that_was_just_loaded_keeps_a_switch_of_its_own(
    loaded: list[tuple[str, Accelerated]],
) -> None:
    admin = AccelerationAdmin(lambda: loaded, AccelerationSettings())
    admin.switch(False, "other")
    admin.described()
    assert states(loaded) == [True, True, False]


def test_who_is_not_there_is_named(loaded: list[tuple[str, Accelerated]]) -> None:
    admin = AccelerationAdmin(lambda: loaded, AccelerationSettings())
    with pytest.raises(NotFound, match="'valle/vocoder'") as refused:
        admin.switch(False, "valle", "vocoder")
    assert refused.value.hint is not None and "valle/vocos" in refused.value.hint
    assert states(loaded) == [True, True, True]
    with pytest.raises(NotFound):
        AccelerationAdmin(list, AccelerationSettings()).clear_memory("valle")


@pytest.mark.parametrize(
    ("engine", "name", "cleared"),
    [
        (None, None, ["valle/step", "valle/vocos", "other:nana/step"]),
        ("valle", None, ["valle/step", "valle/vocos"]),
        ("valle", "step", ["valle/step"]),
        (None, "step", ["valle/step", "other:nana/step"]),
    ],
)
def test_memory_is_given_back_by_all_or_by_some(
    loaded: list[tuple[str, Accelerated]],
    engine: str | None,
    name: str | None,
    cleared: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {found: f"{engine}/{found.name}" for engine, found in loaded}
    found: list[str] = []
    monkeypatch.setattr(Accelerated, "clear_memory", lambda self: found.append(names[self]))
    AccelerationAdmin(lambda: loaded, AccelerationSettings()).clear_memory(engine, name)
    assert found == cleared


def test_quiet_moments_are_used_where_somebody_called() -> None:
    backends: list[AlteredBackend] = []
    loaded = [("valle", network("unused")), ("valle", network("used", backends))]
    admin = AccelerationAdmin(lambda: loaded, AccelerationSettings(idle_seconds=1e-9))
    assert not admin.prepare_when_quiet()
    loaded[1][1](mel(20))
    assert admin.prepare_when_quiet() and not admin.prepare_when_quiet()
    assert backends[0].prepared == [(1, 20)]


def test_no_quiet_moments_when_the_setting_says_never() -> None:
    loaded = [("valle", network("used"))]
    loaded[0][1](mel())
    assert not AccelerationAdmin(
        lambda: loaded, AccelerationSettings(idle_seconds=0)
    ).prepare_when_quiet()


def test_a_report_names_engines_and_networks(loaded: list[tuple[str, Accelerated]]) -> None:
    report = AccelerationAdmin(
        lambda: loaded, AccelerationSettings(memory_fraction=0.8)
    ).described()
    assert report["memory_fraction"] == 0.8
    assert [(each["engine"], each["name"]) for each in report["networks"]] == [
        ("valle", "step"),
        ("valle", "vocos"),
        ("other", "step"),
    ]
