"""The complete judge in the docs, run as it stands there."""

import re
from pathlib import Path

from small_benchmark import editing, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, edit, judge

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("judges*.md"))


def test_the_judge_in_a_file_judges(tmp_path: Path) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [code] = [block for block in blocks if "class Brightness" in block]
    path = tmp_path / "brightness.py"
    path.write_text(code, encoding="utf-8")
    data = write_benchmark(tmp_path / "benchmark")
    run = edit("identity", selection(data, limit=1), editing(tmp_path / "results"))
    scored = judge(run, judging=Judging(judge=JudgeSettings(name=f"{path}:Brightness"), protocol="native"))
    scores = {verdict.sc.score for verdict in scored.verdicts if verdict.sc}
    assert None not in scores
    assert len(scores) > 1
    assert scored.judgement.manifest.judge_id.startswith("brightness@local-")
    assert not scored.judgement.manifest.vlm
