"""What `compare` writes: paired tables with intervals, lost and gained samples, each format, and the page."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from program import gedit_bench
from report_fixtures import judged, make_judgement, make_run, make_samples, reply_text

from gedit_bench.records import Aspect, Sample
from gedit_bench.results import Scored

HOSTILE = r"[x] \input{/etc/passwd} & 100 % $1_a^2 #3 ~ {} | <script>alert(1)</script> `tick` *star* -- ''"


def sides(samples: Sequence[Sample], **second: object) -> tuple[Path, Path]:
    """Two runs; the second gains in `ps_human` and some of `color_alter`, loses in `text_change`, else is the same."""

    def better(sample: Sample, aspect: Aspect) -> str:
        if aspect is Aspect.PQ:
            return reply_text(4, 4)
        change = {"ps_human": 2, "color_alter": sample.row % 2, "text_change": -1 - sample.row % 3}
        return reply_text(*[4 + change.get(sample.id.task_type, 0)] * 2)

    first = judged(Path(), samples, name="old", answers=lambda s, a: reply_text(4, 4))
    other: dict[str, object] = {"name": "new", "answers": better} | second
    return first.run.path, judged(Path(), samples, **other).run.path  # type: ignore[arg-type]


def blocks(out: str) -> dict[str, list[list[str]]]:
    """The tables of a text, by their first heading; cells stand at least two blanks apart."""
    found = [[re.split(r"  +", line) for line in block.splitlines()] for block in out.strip().split("\n\n")]
    return {block[0][0]: block for block in found}


def test_paired_tables_hold_means_differences_intervals_and_counts() -> None:
    ended = gedit_bench("compare", *sides(make_samples(each=6)))
    assert (ended.code, ended.err) == (0, "")
    found = blocks(ended.out)
    assert list(found)[:3] == ["O, en", "SC, en", "PQ, en"]
    header, *rows = found["SC, en"]
    assert header[1:] == ["n", "old", "new", "difference", "95 % interval", "gained", "lost", "same"]
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["ps_human"] == ["6", "4.000", "6.000", "+2.000", "[+2.000, +2.000]", "6", "0", "0"]
    assert by_name["tone_transfer"] == ["6", "4.000", "4.000", "+0.000", "[+0.000, +0.000]", "0", "0", "6"]
    assert by_name["color_alter"][3] == "+0.500"
    low, high = (float(end) for end in re.findall(r"[+-][\d.]+", by_name["color_alter"][4]))
    assert 0 <= low < 0.5 < high <= 1
    headline = by_name["headline (macro)"]
    assert (headline[0], headline[3], headline[5:]) == ("66", "+0.045", ["9", "6", "51"])
    assert all(
        row[3:] == ["+0.000", "[+0.000, +0.000]", "0", "0", row[0]] for row in map(lambda r: r[1:], found["PQ, en"][1:])
    )


def test_one_sample_of_a_category_has_no_interval() -> None:
    rows = {row[0]: row for row in blocks(gedit_bench("compare", *sides(make_samples())).out)["O, en"]}
    assert rows["ps_human"][5] == rows["headline (macro)"][5] == "–"


def test_lost_and_gained_samples_stand_apart_most_first() -> None:
    both = sides(make_samples(each=6))
    found = blocks(gedit_bench("compare", *both, "--top", 4).out)
    lost = found["lost, en (4 of 6)"]
    assert lost[0] == ["lost, en (4 of 6)", "old", "new", "difference", "instruction"]
    assert [row[3] for row in lost[1:]] == ["-2.00", "-2.00", "-1.17", "-1.17"]
    assert {row[0].split("/")[0] for row in lost[1:]} == {"text_change"}
    assert [row[3] for row in found["gained, en (4 of 9)"][1:]] == ["+0.90"] * 4
    assert not any(
        name.startswith(("lost", "gained")) for name in blocks(gedit_bench("compare", *both, "--top", 0).out)
    )
    told = gedit_bench("compare", *both, "--json").json()["languages"]["en"]
    assert (len(told["lost"]), len(told["gained"])) == (6, 9)
    assert told["lost"][0]["difference"] == pytest.approx(-2)
    assert told["means"]["ps_human"]["low"] == pytest.approx(told["means"]["ps_human"]["difference"])
    assert told["aspects"]["PQ"]["macro"]["same"] == 66


def test_by_says_what_a_row_is() -> None:
    both = sides(make_samples(each=2))
    assert len(blocks(gedit_bench("compare", *both, "--by", "task").out)["O, en"]) == 13
    alone = blocks(gedit_bench("compare", *both, "--by", "headline").out)["O, en"]
    assert [row[0] for row in alone] == ["O, en", "headline (macro)"]
    agreed = blocks(gedit_bench("compare", *both, "--by", "headline").out)["the same images"]
    assert {row[0] for row in agreed[1:]} == {"all"}
    assert gedit_bench("compare", *both, "--by", "headline", "--json").json()["languages"]["en"]["means"].keys() == {
        "macro"
    }
    wrong = gedit_bench("compare", *both, "--by", "tasks")
    assert (wrong.code, "--by can't be 'tasks'. Did you mean 'task'?" in wrong.err) == (2, True)


def cells(line: str, mark: str) -> list[str]:
    """A row's cells: what stands between marks that are not escaped."""
    return re.split(rf"(?<!\\){re.escape(mark)}", line)


def test_hostile_text_stays_in_its_cell_in_markdown_and_latex() -> None:
    samples = [replace(sample, instruction=HOSTILE) for sample in make_samples(("en", "cn"), each=2)]
    both = sides(samples, name=r"n&w_\evil{}")
    latex = gedit_bench("compare", *both, "--format", "latex").out
    assert r"\input" not in latex
    assert r"\evil" not in latex
    assert latex.startswith("% Needs \\usepackage{booktabs}")
    assert (
        latex.count(r"\toprule")
        == latex.count(r"\midrule")
        == latex.count(r"\bottomrule")
        == latex.count(r"\end{table}")
        > 6
    )
    assert r"\textbackslash{}input\{/etc/passwd\} \& 100 \% \$1\_a\textasciicircum{}2 \#3 \textasciitilde{}" in latex
    assert r"{[}x{]}" in latex
    assert r"-{}- '{}'" in latex
    for table in re.findall(r"\\begin\{tabular\}\{@\{\}(.*?)@\{\}\}\n(.*?)\\end\{tabular\}", latex, re.DOTALL):
        columns = re.sub(r"p\{[^}]*\}+", "l", table[0])
        rows = [line for line in table[1].splitlines() if line.endswith(r"\\")]
        assert {len(cells(row, "&")) for row in rows} == {len(columns)}
    markdown = gedit_bench("compare", *both, "--format", "md").out
    assert "<script" not in re.sub(r"\\.", "", markdown)
    for block in markdown.strip().split("\n\n"):
        assert len({len(cells(line, "|")) for line in block.splitlines()}) == 1
    told = gedit_bench("compare", *both, "--format", "json").json()
    assert told["languages"]["cn"]["lost"][0]["instruction"] == HOSTILE


def test_figures_stand_in_math_mode_flush_right() -> None:
    latex = gedit_bench("compare", *sides(make_samples(each=2)), "--format", "latex", "--by", "headline").out
    assert r"\begin{tabular}{@{}lrrrrrrrr@{}}" in latex
    assert re.search(
        r"^headline \(macro\) & \$22\$ & \$4\.000\$ & .* & \$\[[+-][\d.]+, [+-][\d.]+\]\$ & ", latex, re.MULTILINE
    )


def test_what_is_not_comparable_is_said_in_words_first_and_paired_all_the_same() -> None:
    both = sides(make_samples(each=2), judge="judge-2", returned="judge-2-2027")
    plain = gedit_bench("compare", *both)
    assert plain.code == 0
    assert plain.err.splitlines()[0] == "Not the same judge: judge-1@api.example against judge-2@api.example."
    assert "O, en" in blocks(plain.out)
    for form in ("md", "latex"):
        out = gedit_bench("compare", *both, "--format", form).out
        assert out.index("Not the same judge") < out.index("ps")
    told = gedit_bench("compare", *both, "--json").json()
    assert told["differences"][0].startswith("judge: judge-1@")
    assert "rank" not in plain.out + plain.err


def test_two_judges_of_one_run_are_said_to_be() -> None:
    samples = make_samples(each=2)
    run = make_run(Path(), samples)
    folders = [
        make_judgement(run, samples, judge=name, answers=lambda s, a: reply_text(5, 6)).path for name in ("a", "b")
    ]
    ended = gedit_bench("compare", *folders)
    assert ended.err.splitlines()[0] == "Both sides judged the same edits of painter: only the judging differs."
    assert "a@api.example" in ended.out.splitlines()[0]
    itself = gedit_bench("compare", folders[0], folders[0])
    assert itself.err == "Both sides are the same judgement of painter.\n"
    assert {row[4] for row in blocks(itself.out)["O, en"][1:]} == {"+0.000"}


def test_samples_without_a_partner_are_counted_and_left_out() -> None:
    samples = make_samples(each=4)

    def refusing(sample: Sample, aspect: Aspect) -> str:
        return "I can't." if sample.row < 3 else reply_text(9, 9)

    ended = gedit_bench("compare", *sides(samples, answers=refusing))
    assert ended.err == "en: 41 samples have an O on both sides, 3 only for old: left out.\n"
    rows = {row[0]: row for row in blocks(ended.out)["O, en"]}
    assert rows["background_change"][1] == "1"
    assert rows["headline (macro)"][1] == "41"


def test_two_recipes_of_a_model_are_told_apart() -> None:
    samples = make_samples()
    runs: list[Scored] = [judged(Path(), samples, run={"recipe": recipe}) for recipe in ("plain", "better")]
    header = blocks(gedit_bench("compare", *(one.run.path for one in runs)).out)["O, en"][0]
    assert header[2:4] == ["painter@plain", "painter@better"]
    seeds = [judged(Path(), samples, run={"seed": seed}) for seed in (1, 2)]
    names = gedit_bench("compare", *(one.run.path for one in seeds), "--json").json()["names"]
    assert names == [f"painter@default {one.run.manifest.fingerprint}" for one in seeds]


def test_page_is_a_file_or_lands_in_a_folder() -> None:
    both = sides(make_samples(each=2))
    plain = gedit_bench("compare", *both)
    for place, page in (("new/board", "new/board/compare.html"), ("new/mine.html", "new/mine.html")):
        ended = gedit_bench("compare", *both, "--page", place)
        assert (ended.code, ended.out, ended.err) == (0, plain.out, f"Page: {page}\n")
        assert "old against new" in Path(page).read_text()
        assert list((Path(page).parent / "thumbs").rglob("*.webp"))
    as_json = gedit_bench("compare", *both, "--json", env={"GEDIT_BENCH_PAGE": "other"})
    assert json.loads(as_json.out)["names"] == ["old", "new"]
    assert Path("other/compare.html").exists()
    Path("notes.txt").write_text("mine")
    ended = gedit_bench("compare", *both, "--page", "notes.txt")
    assert (ended.code, ended.out) == (2, "")
    assert "notes.txt is a file, and no page." in ended.err
    assert Path("notes.txt").read_text() == "mine"
