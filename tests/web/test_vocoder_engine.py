"""An upload comes back from its mel, and each setting of vocoders is seen from outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.backends import tensorrt
from realtime.audio.samples import from_pcm16
from realtime.audio.wav import wav_file
from realtime.networks.mel import MelFormat, log_mel
from realtime.services import Services
from realtime.settings import Settings
from tests.support.documented_client import services_of
from tests.support.polling import wait_until
from tests.support.raw_socket import RawSocket
from tests.support.server import scripted_services, serving
from tests.support.small_networks import AlteredBackend, altered
from tests.support.small_vocoders import network
from tests.support.uploads import archive_of, samples_of, upload
from tests.support.vocoder_files import bring_bigvgan, bring_hifigan
from tests.support.vocoder_server import (
    OUTPUT_RATE,
    RATE,
    networks,
    post,
    recording,
    settings_for,
    sounded_again,
    vocoder_client,
)

HOP = 320
AS_PUBLISHED = {"use_vocoder_optimization": False}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocoder") / "models"
    bring_hifigan(folder)
    return folder


@pytest.fixture(scope="module")
def client(web_settings: Settings, models: Path) -> Iterator[TestClient]:
    with vocoder_client(web_settings, models) as client:
        yield client


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> list[AlteredBackend]:
    """Replace inductor, which takes minutes here, by a backend that notes what it prepares."""
    made: list[AlteredBackend] = []
    monkeypatch.setitem(MAKERS, "compile", altered(made))
    return made


def test_an_upload_is_the_published_sound_of_its_published_mel(client: TestClient) -> None:
    sound = recording()
    mel = log_mel(
        torch.from_numpy(from_pcm16(sound))[None], MelFormat(RATE, 1_280, HOP, 1_280, 100)
    )
    with torch.inference_mode():
        expected = network("generator_v4_tiny").plain()(mel)[0, 0].numpy()
    found = from_pcm16(sounded_again(client, sound))
    assert found.size == sound.size * OUTPUT_RATE // RATE
    assert np.abs(found[: expected.size] - expected).max() < 1e-3  # of 16 bits, and loud


@pytest.mark.parametrize(("seconds", "rate"), [(1.2345, 24_000), (0.5, 16_000), (0.02, 48_000)])
def test_the_answer_lasts_as_long_as_the_upload(
    client: TestClient, seconds: float, rate: int
) -> None:
    sound = recording(seconds, rate)
    answer = post(client, sound, rate)
    assert answer.status_code == 200 and answer.headers["x-audio-sample-rate"] == str(rate)
    assert len(answer.content) == 44 + 2 * sound.size
    assert np.frombuffer(answer.content[44:], "<i2").any()


def test_it_is_listed_with_its_files_and_its_device(client: TestClient) -> None:
    post(client)
    models = {each["id"]: each for each in client.get("/api/models").json()["models"]}
    found = models["vocoder:hifigan"]
    assert (found["engine"], found["name"]) == ("vocoder", "hifigan")
    assert (found["kind"], found["state"], found["device"]) == ("convert", "loaded", "cpu")
    assert found["can_run"] and [file["name"] for file in found["files"]] == ["vocoder.pth"]
    assert 'yamabiko_acceleration_calls{engine="vocoder:hifigan"' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pitch": "3"}, "pitch"),
        ({"character": "af_heart"}, "character"),
        ({"effect": "robot"}, ""),
    ],
)
def test_what_would_change_the_voice_is_refused(
    client: TestClient, fields: dict[str, str], field: str
) -> None:
    answer = post(client, **fields)
    error = answer.json()["error"]
    assert answer.status_code == 400 and "'vocoder', which changes no sound" in error["message"]
    assert error["hint"] == "It takes model, gate and denoise." and field in error["message"]


def test_quiet_sound_is_kept_unless_a_gate_is_asked_for(client: TestClient) -> None:
    quiet = (recording(1.0) // 4_000).astype(np.int16)
    open_gate = sounded_again(client, quiet)
    assert not np.array_equal(open_gate, sounded_again(client, quiet, gate="-20"))
    assert np.array_equal(open_gate, sounded_again(client, quiet, gate="-90"))


def test_one_of_several_is_named(web_settings: Settings, tmp_path: Path) -> None:
    bring_hifigan(tmp_path / "models")
    bring_bigvgan(tmp_path / "models")
    with vocoder_client(web_settings, tmp_path / "models", AS_PUBLISHED) as client:
        refused = post(client).json()["error"]
        assert refused["code"] == "unknown_model"
        assert refused["message"].endswith("must be named; there are: bigvgan, hifigan.")
        one, other = (post(client, model=name) for name in ("bigvgan", "hifigan"))
        assert one.status_code == other.status_code == 200
        assert len(one.content) == len(other.content) and one.content != other.content
        assert {each["name"] for each in networks(client)} == {"bigvgan", "generator"}


def test_a_vocoder_that_is_not_there(client: TestClient) -> None:
    answer = post(client, model="bigvgan")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "unknown_model")
    assert "there are: hifigan" in error["message"]
    assert "config.json and bigvgan_generator.pt" in error["hint"]


def test_files_that_are_missing_are_named(web_settings: Settings, tmp_path: Path) -> None:
    models = tmp_path / "models"
    with vocoder_client(web_settings, models) as client:
        answer = post(client)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (503, "weights_missing")
        assert str(models / "hifigan" / "vocoder.pth") in error["message"]
        assert f"vocoder.pth into {models / 'hifigan'}" in error["hint"]
    (bring_bigvgan(models) / "bigvgan_generator.pt").unlink()
    with vocoder_client(web_settings, models) as client:
        error = post(client).json()["error"]
        assert error["code"] == "weights_missing" and "bigvgan_generator.pt" in error["message"]
        listed = {each["name"]: each for each in client.get("/api/models").json()["models"]}
        assert not listed["vocoder"]["can_run"]
        assert listed["vocoder"]["obstacles"][0]["what"] == "bigvgan_generator.pt is missing"


def test_a_microphone_is_refused(web_settings: Settings, models: Path) -> None:
    services = scripted_services(settings_for(web_settings, models))
    with serving(services) as live, RawSocket(live.address) as raw:
        raw.say("listen", id="m", engine="vocoder", sample_rate=24_000)
        error = raw.until("error")[-1].json
        assert (error["id"], error["code"]) == ("m", "not_live")
        assert "POST /api/process" in error["hint"]


def described(
    web_settings: Settings, models: Path, seconds: float = 1.5, **vocoder: Any
) -> list[dict[str, Any]]:
    """Load the engine under these settings and sound an upload again; return the report."""
    with vocoder_client(web_settings, models, vocoder, {"idle_seconds": 0.0}) as client:
        assert client.post("/api/models/vocoder/load").status_code == 200
        if seconds:
            sounded_again(client, recording(seconds))
        return networks(client)


def sizes(found: dict[str, Any], axis: int) -> set[int]:
    return {bucket["sizes"][axis] for bucket in found["buckets"]}


def test_vocoder_chunk_size(web_settings: Settings, models: Path) -> None:
    for chunk in (100, 200):
        (found,) = described(web_settings, models, vocoder_chunk_size=chunk)
        assert max(sizes(found, 0)) == chunk


def test_vocoder_overlap_ratio(web_settings: Settings, models: Path) -> None:
    (narrow,) = described(web_settings, models, seconds=3.0)
    (wide,) = described(web_settings, models, seconds=3.0, vocoder_overlap_ratio=0.2)
    assert wide["overlap_share"] > narrow["overlap_share"] + 0.1


def test_batch(web_settings: Settings, models: Path) -> None:
    calls = {}
    for batch in (1, 4):
        (found,) = described(web_settings, models, batch=batch)
        assert max(sizes(found, 1)) == batch
        calls[batch] = found["calls"]
    assert calls[4] < calls[1]


def test_recordings_of_one_upload_share_runs(web_settings: Settings, models: Path) -> None:
    sounds = [recording(seconds) for seconds in (0.9, 0.5, 0.9)]
    files = [(f"{number}.wav", wav_file(sound, RATE)) for number, sound in enumerate(sounds)]
    with vocoder_client(web_settings, models, {"batch": 4}) as client:
        alone = [post(client, sound).content for sound in sounds]
        before = networks(client)[0]["calls"]
        answer = upload(client, *files, engine="vocoder")
        assert answer.status_code == 200 and before == 3
        assert networks(client)[0]["calls"] - before < 3, "windows of equal length share a run"
    together = [data for name, data in archive_of(answer).items() if name.endswith(".wav")]
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(other)
        assert np.abs(samples_of(one).astype(int) - samples_of(other)).max() <= 2


def test_several_devices(web_settings: Settings, models: Path) -> None:
    found = described(web_settings, models, device="cpu,cpu:0")
    assert [each["device"] for each in found] == ["cpu", "cpu:0"]
    assert all(each["hits"].get("eager") for each in found), "both did a part of the work"


def test_a_device_that_is_not_there(web_settings: Settings, models: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with vocoder_client(web_settings, models, {"device": "cuda"}) as client:
        answer = post(client)
        assert answer.status_code == 503
        assert "There is no device 'cuda' here." in answer.json()["error"]["message"]


def test_plan(web_settings: Settings, models: Path, compiler: list[AlteredBackend]) -> None:
    (found,) = described(web_settings, models, plan="compile")
    assert (found["plan"], found["mode"]) == ("compile", "compile")
    assert found["hits"] == {"compile": found["calls"]} and compiler[0].prepared


def test_precision(web_settings: Settings, models: Path) -> None:
    (found,) = described(web_settings, models, precision="bf16", prepare_seconds=0.0)
    assert found["precision"] == "bf16" and found["calls"]


def test_prepare_seconds(web_settings: Settings, models: Path) -> None:
    (ready,) = described(web_settings, models)
    (unprepared,) = described(web_settings, models, prepare_seconds=0.0)
    assert len(ready["buckets"]) > len(unprepared["buckets"])


def test_use_vocoder_optimization(web_settings: Settings, models: Path) -> None:
    (found,) = described(web_settings, models, plan="onnx", precision="bf16", **AS_PUBLISHED)
    assert (found["plan"], found["precision"]) == ("eager", "fp32")
    assert set(found["hits"]) == {"eager"}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_use_tensorrt_and_its_precision(
    web_settings: Settings, models: Path, precision: str
) -> None:
    chosen = {"use_tensorrt": True, "tensorrt_precision": precision, "prepare_seconds": 0.0}
    (found,) = described(web_settings, models, seconds=0, **chosen)
    assert (found["plan"], found["precision"]) == ("tensorrt", precision)
    if not torch.cuda.is_available():
        reasons = {each["plan"]: each["reason"] for each in found["plans"]}
        assert reasons["tensorrt"] and found["mode"] == "compile", "the report says why"


class FakeTensorRt:
    """A stand-in for TensorRT's libraries: it notes how it is to build, and runs the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.built: list[dict[str, Any]] = []
        library = SimpleNamespace(
            Input=lambda **shapes: shapes,
            dynamo=SimpleNamespace(convert_exported_program_to_serialized_trt_engine=self._convert),
        )
        monkeypatch.setitem(sys.modules, "torch_tensorrt", library)
        monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="10.9.0"))
        monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
        monkeypatch.setattr(tensorrt.TensorRt, "check", lambda builder, spec: None)
        monkeypatch.setattr(tensorrt.TensorRt, "load", lambda builder, spec, data: spec.network.run)

    def _convert(self, program: Any, **options: Any) -> bytes:
        self.built.append(options)
        return b"engine"


@pytest.mark.slow
def test_tensorrt_workspace_size_and_max_batch_size(
    web_settings: Settings, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeTensorRt(monkeypatch)
    (found,) = described(
        web_settings,
        models,
        use_tensorrt=True,
        tensorrt_precision="fp32",
        tensorrt_workspace_size=1 << 21,
        tensorrt_max_batch_size=2,
        batch=8,
    )
    assert set(found["hits"]) == {"tensorrt"}
    (options,) = fake.built
    assert options["workspace_size"] == 1 << 21
    assert options["arg_inputs"][0]["max_shape"][0] == 2
    assert max(sizes(found, 1)) == 2
    assert list((models.parent / "engines").glob("tensorrt*")), "the folder of acceleration.path"


def buckets_of(client: TestClient, plan: str) -> list[dict[str, Any]]:
    return [bucket for bucket in networks(client)[0]["buckets"] if bucket["plan"] == plan]


@pytest.mark.parametrize("plan", ["compile", "auto"])
def test_acceleration_switched_off_makes_nothing(
    web_settings: Settings,
    models: Path,
    compiler: list[AlteredBackend],
    monkeypatch: pytest.MonkeyPatch,
    plan: str,
) -> None:
    """Check that all runs are eager, and nothing is compiled or measured before it is on."""
    monkeypatch.setattr(
        "realtime.vocoders.open.choose_plan", lambda settings, device: (plan, "fp32")
    )
    monkeypatch.setattr("realtime.acceleration.policy.candidates", lambda kind: ("compile",))
    off = {"enabled": False, "idle_seconds": 0.01, "path": models.parent / f"off-{plan}"}
    with vocoder_client(web_settings, models, {}, off) as client:
        before = sounded_again(client)
        (found,) = networks(client)
        assert (found["plan"], found["mode"], found["enabled"]) == (plan, "eager", False)
        assert set(found["hits"]) == {"eager"} and found["fallbacks"] == []
        assert not compiler and not buckets_of(client, "compile")
        on = client.post("/api/acceleration", json={"enabled": True}).json()["networks"][0]
        assert on["mode"] == "compile"
        sounded_again(client)
        wait_until(lambda: buckets_of(client, "compile"))
        assert np.abs(sounded_again(client).astype(int) - before).max() <= 2
        assert networks(client)[0]["hits"]["compile"] and compiler


@pytest.mark.parametrize("idle", [0.0, 0.01])
def test_idle_seconds(
    web_settings: Settings, models: Path, compiler: list[AlteredBackend], idle: float
) -> None:
    """Shapes for which there was no time at the start are prepared when nobody asks; 0: never."""
    chosen = {"plan": "compile", "prepare_seconds": 0.0}
    with vocoder_client(web_settings, models, chosen, {"idle_seconds": idle}) as client:
        sounded_again(client)
        assert set(networks(client)[0]["hits"]) == {"eager"}
        if not idle:
            services: Services = services_of(client)
            assert not services.acceleration.prepare_when_quiet() and not compiler[0].prepared
            return
        wait_until(lambda: buckets_of(client, "compile"))
        sounded_again(client)
        assert networks(client)[0]["hits"]["compile"]


def test_unloading_gives_everything_back(web_settings: Settings, models: Path) -> None:
    with vocoder_client(web_settings, models, {"device": "cpu,cpu:0"}) as client:
        sounded_again(client)
        assert client.post("/api/models/vocoder/unload").status_code == 200
        assert networks(client) == []
        sounded_again(client)
        assert len(networks(client)) == 2
