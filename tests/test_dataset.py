import hashlib
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import datasets
import pytest
from data_fixtures import (
    FEATURES,
    KEY,
    OTHER_KEY,
    as_dataset,
    encoded,
    hf_cache,
    picture,
    row,
    small_rows,
    write_parquet,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from gedit_bench.data_files import data_folder
from gedit_bench.dataset import Benchmark, load_benchmark
from gedit_bench.errors import DataError, UnavailableError, UsageError
from gedit_bench.records import LANGUAGES, TASKS, Sample, SampleId

pytestmark = pytest.mark.usefixtures(hf_cache.__name__)


def flat(folder, rows):
    return write_parquet(folder, rows)


def below_data(folder, rows):
    return write_parquet(folder / "data", rows, shards=2).parent


def saved(folder, rows):
    as_dataset(rows).save_to_disk(folder)
    return folder


def saved_dict(folder, rows):
    datasets.DatasetDict({"train": as_dataset(rows), "test": as_dataset(rows[:1])}).save_to_disk(folder)
    return folder


def in_memory(content: bytes | None) -> tuple[Benchmark, Sample]:
    sample = Sample(SampleId("style_change", "en", KEY), "Paint it", True, 0)
    rows = [{"input_image": {"bytes": content, "path": None}}]
    return Benchmark("test", "local-0", (sample,), {"input": rows, "raw": rows}), sample


@pytest.mark.parametrize("write", [flat, below_data, saved, saved_dict])
def test_every_kind_of_folder_gives_the_same_samples_and_bytes(write, tmp_path):
    rows = small_rows()
    benchmark = load_benchmark(str(write(tmp_path / "my data", rows)))
    assert benchmark.name == "my data"
    assert [(*s.id, s.instruction, s.intersection, s.row) for s in benchmark.samples] == [
        (r["task_type"], r["instruction_language"], r["key"], r["instruction"], r["Intersection_exist"], i)
        for i, r in enumerate(rows)
    ]
    for sample, expected in zip(benchmark.samples, rows, strict=True):
        assert benchmark.image_bytes(sample, "input") == expected["input_image"]["bytes"]
        assert benchmark.image_bytes(sample, "raw") == expected["input_image_raw"]["bytes"]
        assert benchmark.source(sample, "raw").size == (64, 96)


def test_instructions_keep_every_blank_and_quote(tmp_path):
    benchmark = load_benchmark(str(flat(tmp_path, small_rows())))
    assert benchmark.samples[1].instruction == " Remove “the hat” \n"


def test_a_key_may_stand_in_two_categories_but_a_sample_only_once(tmp_path):
    benchmark = load_benchmark(str(flat(tmp_path / "good", small_rows())))
    assert [s.id.task_type for s in benchmark.samples if s.id.key == KEY and s.id.language == "en"] == [
        "subject-remove", "subject-replace", "style_change",
    ]  # fmt: skip
    with pytest.raises(DataError, match=f"rows 0 and 2 are the same sample subject-remove/en/{KEY}"):
        load_benchmark(str(flat(tmp_path / "bad", [row(), row(key=OTHER_KEY), row(instruction="Again")])))


def test_twins_share_a_source_id_and_other_pictures_do_not(tmp_path):
    benchmark = load_benchmark(str(flat(tmp_path, small_rows())))
    ids = [benchmark.source_id(sample) for sample in benchmark.samples]
    assert ids[0] == ids[2] == ids[4] == hashlib.sha256(small_rows()[0]["input_image"]["bytes"]).hexdigest()
    assert len(set(ids)) == 3


def test_a_revision_is_the_same_at_another_path_and_differs_for_other_rows(tmp_path):
    here = load_benchmark(str(flat(tmp_path / "here", small_rows())))
    below = load_benchmark(str(write_parquet(tmp_path / "elsewhere" / "data", small_rows()).parent))
    changed = load_benchmark(str(flat(tmp_path / "changed", [*small_rows()[:-1], row("ps_human")])))
    assert here.revision == below.revision
    assert here.revision.startswith("local-")
    assert len(here.revision) == len("local-") + 8
    assert changed.revision != here.revision
    assert load_benchmark(str(tmp_path / "here"), here.revision).revision == here.revision
    with pytest.raises(DataError, match=f"of revision {changed.revision}, not {here.revision}"):
        load_benchmark(str(tmp_path / "changed"), here.revision)


def test_threads_read_their_own_images(tmp_path):
    rows = small_rows()
    benchmark = load_benchmark(str(saved(tmp_path / "d", rows)))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(benchmark.image_bytes, benchmark.samples * 50))
    assert found == [r["input_image"]["bytes"] for r in rows] * 50


def test_characters_of_patterns_in_a_path_are_taken_as_they_are(tmp_path):
    assert len(load_benchmark(str(flat(tmp_path / "odd [1]*?", small_rows()))).samples) == 6


def features_with(**columns) -> datasets.Features:
    return datasets.Features({**FEATURES, **columns})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task_type": "style-change"}, "Row 1 has the unknown task_type 'style-change'"),
        ({"instruction_language": "zh"}, "Row 1 has the unknown instruction_language 'zh'"),
        ({"Intersection_exist": None}, "Row 1 has None for Intersection_exist"),
        ({"instruction": None}, "Row 1 has None for instruction, not a text"),
        ({"key": None}, "Row 1 has None for key, not a text"),
    ],
)
def test_a_wrong_row_is_named(changes, sentence, tmp_path):
    with pytest.raises(DataError, match=sentence):
        load_benchmark(str(flat(tmp_path, [row(), row(**{"key": OTHER_KEY, **changes})])))


@pytest.mark.parametrize("column", list(FEATURES))
def test_a_missing_column_is_named(column, tmp_path):
    features = datasets.Features({name: kind for name, kind in FEATURES.items() if name != column})
    with pytest.raises(DataError, match=f"have no column '{column}'"):
        load_benchmark(str(write_parquet(tmp_path, [row()], features)))


def test_a_column_of_texts_is_no_column_of_images(tmp_path):
    text = row(input_image_raw="picture.png")
    with pytest.raises(DataError, match=r"column 'input_image_raw' of the data .* holds .*, not images"):
        load_benchmark(str(write_parquet(tmp_path, [text], features_with(input_image_raw=datasets.Value("string")))))


def test_intersection_must_be_a_truth_value(tmp_path):
    text = row(Intersection_exist="yes")
    with pytest.raises(DataError, match="Row 0 has 'yes' for Intersection_exist"):
        load_benchmark(str(write_parquet(tmp_path, [text], features_with(Intersection_exist=datasets.Value("string")))))


def test_folders_that_are_no_benchmark_get_a_sentence(tmp_path):
    cases = {
        "empty": "There are no benchmark data",
        "no rows": "have no rows",
        "no saved rows": "have no rows",
        "damaged": "are damaged or no benchmark",
        "half": "Only 1 of 2 data files",
        "split": "no split 'train'",
    }
    (tmp_path / "empty").mkdir()
    flat(tmp_path / "no rows", [])
    saved(tmp_path / "no saved rows", [])
    damaged = flat(tmp_path / "damaged", small_rows()) / "train-00000-of-00001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:900])
    (write_parquet(tmp_path / "half", small_rows(), shards=2) / "train-00001-of-00002.parquet").unlink()
    datasets.DatasetDict({"test": as_dataset(small_rows())}).save_to_disk(tmp_path / "split")
    for name, sentence in cases.items():
        with pytest.raises(DataError, match=sentence):
            load_benchmark(str(tmp_path / name))


@pytest.mark.parametrize("state", ["state.json", "dataset_info.json", "data-00000-of-00001.arrow"])
def test_a_damaged_saved_folder_gets_a_sentence(state, tmp_path):
    file = saved(tmp_path / "d", small_rows()) / state
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataError, match="are damaged or no benchmark"):
        load_benchmark(str(tmp_path / "d"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("./nowhere", "There is no data folder './nowhere'"),
        ("smaple", "There is no data folder 'smaple'"),
        (__file__, "is a file"),
    ],
)
def test_a_wrong_name_is_refused(data, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        load_benchmark(data)
    assert caught.value.hint
    if data == "smaple":
        assert caught.value.hint == "Did you mean 'sample'?"


def test_a_cut_off_image_is_refused_with_its_sample(tmp_path):
    whole = encoded(Image.effect_noise((64, 64), 90).convert("RGB"), "JPEG")
    benchmark = load_benchmark(
        str(flat(tmp_path, [row(input_image={"bytes": whole[: len(whole) // 2], "path": None})]))
    )
    with pytest.raises(DataError, match=f"The input_image of subject-remove/en/{KEY} can't be read as an image"):
        benchmark.source(benchmark.samples[0])
    assert benchmark.source(benchmark.samples[0], "raw").size == (64, 96)


def test_a_missing_image_is_refused_with_its_sample(tmp_path):
    benchmark = load_benchmark(str(flat(tmp_path, [row(input_image_raw=None)])))
    with pytest.raises(DataError, match=r"input_image_raw of .* is missing"):
        benchmark.image_bytes(benchmark.samples[0], "raw")


@given(data=st.data(), image_format=st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_damaged_bytes_give_an_rgb_image_or_a_sentence(data, image_format):
    content = bytearray(encoded(picture(), image_format))
    for at in data.draw(st.lists(st.integers(40, len(content) - 1), max_size=4)):
        content[at] ^= data.draw(st.integers(1, 255))
    benchmark, sample = in_memory(bytes(content[: data.draw(st.integers(1, len(content)))]))
    try:
        assert benchmark.source(sample).mode == "RGB"
    except DataError as error:
        assert str(sample.id) in str(error)  # noqa: PT017


def test_images_come_upright_and_in_rgb_as_datasets_decodes_them():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(picture(), "JPEG", exif=exif)
    benchmark, sample = in_memory(turned)
    assert benchmark.source(sample).size == (48, 32)
    expected = datasets.Image().decode_example({"bytes": turned, "path": None}).convert("RGB")
    assert benchmark.source(sample).tobytes() == expected.tobytes()
    for mode in ("L", "RGBA", "P", "CMYK"):
        benchmark, sample = in_memory(encoded(picture().convert(mode), "TIFF"))
        assert benchmark.source(sample).mode == "RGB"


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, gedit_bench.dataset; print({'datasets', 'pyarrow', 'torch', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


class TestBundledSample:
    @pytest.fixture
    def sample_data(self):
        return load_benchmark("sample")

    def test_it_is_small_and_holds_every_category_in_both_languages(self, sample_data):
        assert (data_folder() / "sample" / "train-00000-of-00001.parquet").stat().st_size < 3_000_000
        for task in TASKS:
            for language in LANGUAGES:
                assert sum(s.id[:2] == (task, language) for s in sample_data.samples) >= 2
        assert 0 < sum(not s.intersection for s in sample_data.samples) < len(sample_data.samples) / 4

    def test_it_has_the_traps_of_the_real_benchmark(self, sample_data):
        english = {s.id.task_type: set() for s in sample_data.samples}
        for sample in sample_data.samples:
            english[sample.id.task_type].add(sample.id.key)
        assert len(english["subject-remove"] & english["subject-replace"]) == 1
        assert any("“" in s.instruction for s in sample_data.samples if s.id.language == "en")
        assert any(s.instruction.endswith(" ") for s in sample_data.samples)
        assert all(len(s.id.key) == 32 for s in sample_data.samples)

    def test_its_pictures_have_the_official_sizes_and_twins_share_them(self, sample_data):
        by_id = {s.id: s for s in sample_data.samples}
        for sample in sample_data.samples:
            width, height = sample_data.source(sample).size
            assert (width % 32, height % 32) == (0, 0)
            assert abs(width * height / 512**2 - 1) < 0.05
            twin = by_id[sample.id._replace(language="cn")]
            assert sample_data.source_id(sample) == sample_data.source_id(twin)
        assert len({sample_data.source_id(s) for s in sample_data.samples}) == 13

    @pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="needs scikit-image")
    @pytest.mark.slow
    def test_its_script_builds_it_again(self, sample_data, tmp_path):
        script = data_folder() / "sample" / "build.py"
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True, capture_output=True, env=env)
        rebuilt = load_benchmark(str(tmp_path))
        assert rebuilt.samples == sample_data.samples
        for ours, theirs in zip(sample_data.samples, rebuilt.samples, strict=True):
            for kind in ("input", "raw"):
                # Another JPEG library may round differently; the pictures are the same.
                pictures = [b.source(s, kind) for b, s in ((sample_data, ours), (rebuilt, theirs))]
                assert max(ImageStat.Stat(ImageChops.difference(*pictures)).mean) < 2

    def test_datasets_alone_decodes_it(self):
        file = data_folder() / "sample" / "train-00000-of-00001.parquet"
        rows = datasets.Dataset.from_parquet(str(file))
        assert rows.features == FEATURES
        assert isinstance(rows[0]["input_image"], Image.Image)


def test_a_cache_that_cannot_be_written_gets_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "a file" / "cache")
    with pytest.raises(UnavailableError, match="can't be opened") as caught:
        load_benchmark(str(flat(tmp_path / "d", small_rows())))
    assert "HF_HOME" in caught.value.hint
