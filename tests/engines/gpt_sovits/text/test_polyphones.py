"""A network in G2PW's form chooses readings; its folder is read, and nothing in it is run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from realtime.engines.gpt_sovits.text.chinese import speak
from realtime.engines.gpt_sovits.text.polyphones import find_polyphones, load_polyphones
from realtime.engines.gpt_sovits.text.reading import read
from realtime.engines.gpt_sovits.vocabulary import Vocabulary
from realtime.errors import Unavailable, WeightsMissing
from realtime.settings import ModelsSettings, Settings

READINGS = [
    ("行", "ㄒㄧㄥ2"),
    ("行", "ㄏㄤ2"),
    ("長", "ㄔㄤ2"),
    ("長", "ㄓㄤ3"),
    ("女", "ㄋㄩ3"),
    ("不", "ㄅㄨ4"),
]
SYLLABLES = {
    "ㄒㄧㄥ": "xing",
    "ㄏㄤ": "hang",
    "ㄔㄤ": "chang",
    "ㄓㄤ": "zhang",
    "ㄋㄩ": "nü",
    "ㄅㄨ": "bu",
}
WORDS = ["[UNK]", "[CLS]", "[SEP]", *"行長女不錢高我"]
VOCABULARY = Vocabulary({word: number for number, word in enumerate(WORDS)})
LABELS = sorted({reading for _, reading in READINGS})


def write_network(path: Path) -> None:
    """Write a network that says 行 as hang near 錢, and 長 as zhang near 高; it obeys the mask."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    words = np.zeros((len(WORDS), len(LABELS)), np.float32)
    words[WORDS.index("錢"), LABELS.index("ㄏㄤ2")] = 2
    words[WORDS.index("高"), LABELS.index("ㄓㄤ3")] = 2
    usual = np.zeros((4, len(LABELS)), np.float32)  # by the numbers of the characters
    usual[:] = [1.0 if label in ("ㄒㄧㄥ2", "ㄔㄤ2", "ㄋㄩ3") else 0.0 for label in LABELS]
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "axis"], ["around"], keepdims=0),
        helper.make_node("Gather", ["usual", "char_ids"], ["own"]),
        helper.make_node("Add", ["own", "around"], ["scores"]),
        helper.make_node("Mul", ["scores", "phoneme_mask"], ["probabilities"]),
    ]
    integers = ["input_ids", "token_type_ids", "attention_mask"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "t"]) for n in integers]
    inputs += [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n"])
        for name in ("char_ids", "position_ids")
    ]
    shape = ["n", len(LABELS)]
    inputs.append(helper.make_tensor_value_info("phoneme_mask", TensorProto.FLOAT, shape))
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape)]
    tables = [
        numpy_helper.from_array(words, "words"),
        numpy_helper.from_array(usual, "usual"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
    ]
    graph = helper.make_graph(nodes, "g2pw", inputs, outputs, tables)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_network(tmp_path / "g2pW.onnx")
    rows = "\n".join(f"{character}\t{reading}" for character, reading in READINGS)
    (tmp_path / "POLYPHONIC_CHARS.txt").write_text(rows + "\n", encoding="utf-8")
    names = tmp_path / "bopomofo_to_pinyin_wo_tune_dict.json"
    names.write_text(json.dumps(SYLLABLES), encoding="utf-8")
    return tmp_path


def test_the_network_chooses_by_what_is_around(folder: Path) -> None:
    polyphones = load_polyphones(folder, VOCABULARY)
    assert polyphones("我行吗") == [None, "xing2", None]
    assert polyphones("我行钱") == [None, "hang2", None]
    assert polyphones("高长女不行") == [None, "zhang3", "nv3", None, "xing2"]
    assert polyphones("你好。") == [None, None, None]
    assert polyphones("") == []


def test_what_is_farther_than_the_context_does_not_count(folder: Path) -> None:
    polyphones = load_polyphones(folder, VOCABULARY)
    assert polyphones("行" + "我" * 15 + "钱")[0] == "hang2"
    assert polyphones("行" + "我" * 16 + "钱")[0] == "xing2"


def test_the_mask_holds_each_character_to_its_readings(folder: Path) -> None:
    assert load_polyphones(folder, VOCABULARY)("长钱") == ["chang2", None]
    (folder / "config.py").write_text("use_mask = False\n", encoding="utf-8")
    assert load_polyphones(folder, VOCABULARY)("长钱") == ["hang2", None]


def test_labels_may_name_the_character(folder: Path) -> None:
    (folder / "config.py").write_text("use_char_phoneme = True\n", encoding="utf-8")
    found = load_polyphones(folder, VOCABULARY)
    assert sorted(found._table.labels) == ["bu4", "chang2", "hang2", "nv3", "xing2", "zhang3"]


def test_a_word_of_the_dictionary_keeps_its_reading(folder: Path) -> None:
    polyphones = load_polyphones(folder, VOCABULARY)
    assert speak("银行", polyphones=polyphones).phones == ["y", "in2", "h", "ang2"]
    assert polyphones("银行")[1] == "xing2"


def test_readings_reach_the_phones(folder: Path) -> None:
    polyphones = load_polyphones(folder, VOCABULARY)

    def phones(text: str) -> list[str]:
        return [phone for part in read(text, "zh", "v2", polyphones) for phone in part.phones]

    assert phones("我钱行吧。")[-5:] == ["h", "ang2", "b", "a5", "."]
    assert phones("我行吧。")[-5:] == ["x", "ing2", "b", "a5", "."]
    assert phones("它很长。")[-3:] == ["ch", "ang2", "."]  # pypinyin says zhang


def test_a_configuration_is_never_run(folder: Path) -> None:
    trace = folder / "ran"
    code = f"open({str(trace)!r}, 'w')\nuse_mask = bool(open({str(trace)!r}, 'w'))\n"
    (folder / "config.py").write_text(code, encoding="utf-8")
    load_polyphones(folder, VOCABULARY)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["g2pW.onnx", "POLYPHONIC_CHARS.txt", "bopomofo_to_pinyin_wo_tune_dict.json"]
)
def test_a_missing_or_broken_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\xfe[")
    with pytest.raises(Unavailable, match="cannot be used"):
        load_polyphones(folder, VOCABULARY)
    (folder / name).unlink()
    with pytest.raises(WeightsMissing, match="is not whole") as error:
        load_polyphones(folder, VOCABULARY)
    assert name in str(error.value.hint)


def test_a_configuration_that_is_no_python_is_refused(folder: Path) -> None:
    (folder / "config.py").write_text("use_mask = (", encoding="utf-8")
    with pytest.raises(Unavailable, match="configuration"):
        load_polyphones(folder, VOCABULARY)


def test_without_the_folder_there_is_no_network(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(path=tmp_path))
    assert find_polyphones(settings) is None
    (tmp_path / "gpt_sovits" / "G2PWModel").mkdir(parents=True)
    with pytest.raises(WeightsMissing):
        find_polyphones(settings)
