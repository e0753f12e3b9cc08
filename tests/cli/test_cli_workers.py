"""A whole run through a worker that is killed, hangs and runs out of memory."""

import json
import textwrap
from pathlib import Path

from program import gedit_bench, runs

WORKER = """
import json, os, resource, sys, time
from pathlib import Path
from PIL import Image, ImageOps

def say(**message): print(json.dumps(message), flush=True)

log, sick = Path("asked.log"), Path("sick")
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
say(ready=True, protocol=1)
for line in sys.stdin:
    request = json.loads(line)
    turn = len(log.read_text().splitlines()) if log.exists() else 0
    with log.open("a") as stream:
        stream.write(json.dumps(request["instruction"]) + "\\n")
    if sick.exists() and turn == 1:
        os.kill(os.getpid(), 9)
    if sick.exists() and turn == 2:
        time.sleep(60)
    if sick.exists() and turn == 3:
        try:
            bytearray(8 << 30)
        except MemoryError:
            sys.exit("MemoryError: no room for the model")
    ImageOps.invert(Image.open(request["source"])).save(request["output"])
    say(id=request["id"], status="ok")
"""


def test_each_trouble_costs_one_edit_and_nothing_is_done_twice(data: Path, ids: Path) -> None:
    Path("worker.py").write_text(textwrap.dedent(WORKER))
    Path("sick").touch()
    words = ("--model", "command:worker.py", "-o", "timeout=1.5", "--data", data, "--ids", ids)
    ended = gedit_bench("edit", *words)
    assert ended.code == 3
    assert ended.continuing()[-2:] == ["--only", "failed"]
    [run] = runs()
    edits = [json.loads(line) for line in (run / "edits.jsonl").read_text().splitlines()]
    assert [edit["status"] for edit in edits] == ["ok", "edit_failed", "timeout", "edit_failed"]
    assert "SIGKILL" in edits[1]["message"]
    assert "1.5 s" in edits[2]["message"]
    assert "MemoryError" in edits[3]["message"]
    asked = Path("asked.log").read_text().splitlines()
    assert (len(asked), len(set(asked))) == (4, 4)

    first = next(run.rglob("*.png"))
    before = first.stat().st_mtime_ns
    assert gedit_bench("edit", *words).code == 3
    assert Path("asked.log").read_text().splitlines() == asked

    Path("sick").unlink()
    assert gedit_bench(*ended.continuing()).code == 0
    assert Path("asked.log").read_text().splitlines() == [*asked, *asked[1:]]
    assert len(list(run.rglob("*.png"))) == 4
    assert first.stat().st_mtime_ns == before
