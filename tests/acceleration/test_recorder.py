"""CUDA graphs, where there is CUDA; elsewhere a clear reason why not."""

from __future__ import annotations

import threading

import pytest
import torch

from realtime.acceleration import Policy, accelerate
from realtime.acceleration.forms import CannotRun
from realtime.acceleration.recorder import CudaRecorder
from tests.acceleration.small import BATCHES, FRAMES, Step, mel, step_inputs, vocoder


def test_without_cuda_there_is_no_recorder() -> None:
    with pytest.raises(CannotRun, match="need a CUDA device; this network is on cpu"):
        CudaRecorder(torch.device("cpu"))


@pytest.mark.gpu
@pytest.mark.timeout(600)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_graphs_play_what_the_module_does(precision: str) -> None:
    module = vocoder()
    found = accelerate(
        module,
        inputs=(mel(),),
        plan="graphs",
        precision=precision,
        device="cuda",
        axes=(BATCHES, FRAMES),
        policy=Policy(),
    )
    truth = vocoder()
    assert len(found.prepare()) == 6
    for batch, frames in ((1, 10), (3, 20), (4, 10)):
        x = mel(frames, batch)
        with torch.no_grad():
            assert torch.allclose(found(x).cpu(), truth(x), atol=0.02)
    assert found.described()["hits"] == {"graphs": 3}


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_a_graph_of_a_step_changes_its_buffers() -> None:
    found = accelerate(Step(), inputs=step_inputs(), plan="graphs", device="cuda", state=("cache",))
    alone = Step().eval()
    found.prepare()
    for place in range(5):
        inputs = step_inputs(place, seed=place)
        with torch.no_grad():
            assert torch.allclose(found(*inputs)[0].cpu(), alone(*inputs)[0], atol=1e-4)
    assert found.described()["hits"] == {"graphs": 5}


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_threads_do_not_meet_in_a_graphs_buffers() -> None:
    found = accelerate(
        vocoder(), inputs=(mel(),), plan="graphs", device="cuda", axes=(BATCHES, FRAMES)
    )
    found.prepare([(1, 10)])
    sounds = [mel(seed=seed) for seed in range(4)]
    with torch.no_grad():
        wanted = [vocoder()(x) for x in sounds]
    wrong: list[int] = []

    def ask(number: int) -> None:
        for _ in range(100):
            if not torch.allclose(found(sounds[number]).cpu(), wanted[number], atol=1e-4):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not wrong
