"""A suite file becomes the nouns that the verbs take; whatever is wrong with it is one sentence with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench import Editing, JudgeSettings, Judging, Selection, Suite, SuiteModel, SuiteReport, read_suite
from gedit_bench.errors import UsageError

WHOLE = """
out = "runs"
seed = 7
max_cost = 20
prices = "prices.toml"
models = [
    "identity",
    {model = "pil-filters", recipe = "gentle", name = "s", seed = 1, options = { strength = 0.5, on = true, a = "x"}},
]

[selection]
data = "sample"
tasks = ["ps_human"]
languages = ["en"]
subset = "intersection"
limit = 3
ids = "ids.txt"

[[judges]]
judge = "offline"

[[judges]]
judge = "some-judge"
protocol = "native"
rubric = "rubric.txt"
base_url = ["http://a/v1", "http://b/v1"]
endpoint_label = "pool"
timeout = 30
retry_for = 60
concurrency = 4
repeats = 3
reuse = false
fallback_judge = "other-judge"
fallback_base_url = "http://c/v1"

[report]
out = "page"
allow_partial = true
scorings = ["official", "micro"]
with_published = "published.json"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str) -> Suite:
    Path("suite.toml").write_text(text, encoding="utf-8")
    return read_suite(Path("suite.toml"))


def test_every_key_lands_where_the_options_of_the_same_name_do() -> None:
    Path("ids.txt").write_text("one\ntwo\n")
    settings = JudgeSettings(
        name="some-judge",
        base_url=["http://a/v1", "http://b/v1"],
        endpoint_label="pool",
        timeout=30,
        retry_for=60,
        concurrency=4,
    )
    other = JudgeSettings(name="other-judge", base_url="http://c/v1", timeout=30, retry_for=60, concurrency=4)
    options = ["strength=0.5", "on=true", "a=x"]
    out, prices = Path("runs"), Path("prices.toml")
    assert read(WHOLE) == Suite(
        models=[
            SuiteModel(
                model="identity", editing=Editing(options=[], options_origin="suite", seed=7, out=out, prices=prices)
            ),
            SuiteModel(
                model="pil-filters@gentle",
                editing=Editing(options=options, options_origin="suite", seed=1, name="s", out=out, prices=prices),
            ),
        ],
        judgings=[
            Judging(judge=JudgeSettings(name="offline"), prices=prices),
            Judging(
                judge=settings,
                protocol="native",
                rubric=Path("rubric.txt"),
                repeats=3,
                fallback=other,
                prices=prices,
                reuse=False,
            ),
        ],
        selection=Selection(
            data="sample", tasks=("ps_human",), languages=("en",), subset="intersection", limit=3, ids=["one", "two"]
        ),
        report=SuiteReport(
            out=Path("page"),
            allow_partial=True,
            scorings=("official", "micro"),
            with_published=Path("published.json"),
        ),
        out=out,
        max_cost=20.0,
    )


def test_a_suite_of_one_line_has_what_the_command_line_has_by_default() -> None:
    suite = read('models = ["identity"]')
    assert suite.judgings == [Judging()]
    assert suite.selection == Selection()
    assert suite.models[0].editing == Editing(options=[], options_origin="suite")
    assert (suite.out, suite.max_cost, suite.report) == (Path("results"), None, SuiteReport())


def test_a_model_may_have_a_place_of_its_own() -> None:
    text = (
        'ray_address = "auto"\nedit_timeout = 60\n'
        'models = ["a", { model = "b", device = "" }, { model = "c", device = "cpu,cpu", edit_timeout = 5 }]\n'
    )
    places = [(one.editing.device, one.editing.ray_address, one.editing.edit_timeout) for one in read(text).models]
    assert places == [("", "auto", 60), ("", None, None), ("cpu,cpu", None, 5)]
    over = read_suite(Path("suite.toml"), {"ray_address": "node-1:6379", "out": "elsewhere"})
    assert [one.editing.ray_address for one in over.models] == ["node-1:6379", None, None]
    assert over.out == Path("elsewhere")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("models = [", "suite.toml is not valid TOML: Invalid value (at end of document).", ""),
        ('models = ["a"]\nx = = 1', "suite.toml is not valid TOML: Invalid value (at line 2, column 5).", ""),
        ("", "The suite suite.toml lacks the key 'models'.", ""),
        ("models = []", "suite.toml: models can't be []: list should have at least 1 item", ""),
        ('models = "identity"', "models can't be 'identity': input should be a valid list", ""),
        ("models = [3]", "number 1 of [[models]] is neither a table nor a name.", ""),
        ('modles = ["a"]\nmodels = ["a"]', "suite.toml has no key 'modles'.", "Did you mean 'models'?"),
        (
            '[[models]]\nmodel="a"\n[[models]]\nmodel="b"\nrecpie="c"',
            "number 2 of [[models]] has no key 'recpie'.",
            "recipe",
        ),
        ('[[models]]\nname="a"', "number 1 of [[models]] lacks the key 'model'.", ""),
        ('[[models]]\nmodel="a@b"\nrecipe="c"', "number 1 of [[models]] can't take a recipe beside 'a@b'.", ""),
        ('models = ["a"]\nseed = "1"', "suite.toml: seed can't be '1': input should be a valid integer", ""),
        ('models = ["a"]\nmax_cost = 0', "max_cost can't be 0: input should be greater than 0", ""),
        ('models = ["a"]\nmax_cost = inf', "max_cost can't be inf: input should be a finite number", ""),
        ('models = ["a"]\n[selection]\nlimits = 1', "[selection] has no key 'limits'.", "Did you mean 'limit'?"),
        ('models = ["a"]\n[selection]\nlimit = 0', "[selection]: limit can't be 0", ""),
        ('models = ["a"]\n[selection]\nids = "none.txt"', "The list of ids 'none.txt' can't be read", ""),
        ('models = ["a"]\njudges = ["a", {repeats=0}]', "number 2 of [[judges]]: repeats can't be 0", ""),
        ('models = ["a"]\njudges = [{base_url=1}]', "number 1 of [[judges]]: base_url can't be 1", ""),
        ('models = ["a"]\njudges = [{fallback_base_url="x"}]', "a fallback_base_url and no fallback_judge.", ""),
        ('models = ["a"]\n[report]\nscoring = 1', "[report] has no key 'scoring'.", "Did you mean 'scorings'?"),
        ('models = ["a"]\n[[models.x]]', "suite.toml is not valid TOML", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(text)
    assert message in str(raised.value)
    assert hint in raised.value.hint


def test_a_value_that_might_be_a_key_is_not_repeated_where_its_name_is_unknown() -> None:
    with pytest.raises(UsageError) as raised:
        read('models = ["a"]\njudges = [{judge = "x", api_key = "secret"}]')
    assert "secret" not in f"{raised.value} {raised.value.hint}"


def test_a_file_that_is_not_there_or_no_text_is_told() -> None:
    Path("binary.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("none.toml", "binary.toml", "."):
        with pytest.raises(UsageError, match="can't be read"):
            read_suite(Path(name))


KEYS = ("out", "seed", "max_cost", "models", "judges", "report", "selection", "model", "judge", "limit", "repeats")
SCALARS = st.one_of(st.text("abc:@.=é", max_size=5), st.integers(-3, 200), st.booleans(), st.floats(allow_nan=False))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


@given(content=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), named=st.booleans())
def test_any_toml_is_a_suite_or_a_usage_error(content: dict[str, object], named: bool) -> None:
    if named:
        content["models"] = ["identity"]
    text = "".join(f"{key} = {toml(value)}\n" for key, value in content.items())
    if said := _refusal(text):
        assert said.startswith("The suite suite.toml")
        assert "is not valid TOML" not in said
    else:
        suite = read(text)
        assert len(suite.models) == len(content["models"])  # type: ignore[arg-type]
        assert suite.judgings


def _refusal(text: str) -> str:
    try:
        read(text)
    except UsageError as error:
        return str(error)
    return ""
