"""`scores.csv`: one line per sample and judgement, all scores of the report in one table."""

import csv
import io

from gedit_bench.report.board import Board

COLUMNS = (
    *("entry", "model", "recipe", "fingerprint", "judge_id", "request_id", "scoring_id", "trust"),
    *("task_type", "key", "instruction_language", "intersection_exist"),
    *("edit_status", "sc_status", "sc", "pq_status", "pq", "overall", "flags"),
)
"""The columns; a score is empty where its status gives none."""


def scores_csv(board: Board) -> str:
    """Return each entry's verdicts, in the dataset's order, numbers as they were read."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for entry in board.entries:
        manifest, judge = entry.manifest, entry.judge
        named = (entry.id, manifest.name, manifest.recipe, manifest.fingerprint, judge.judge_id, judge.request_id)
        for verdict in entry.scored.verdicts:
            sample, edit = verdict.sample, verdict.edit
            flags = [*(edit.flags if edit else ())]
            cells: list[object] = []
            for reading in (verdict.sc, verdict.pq):
                cells += [reading.status, reading.score] if reading else ["", None]
                flags += reading.flags if reading else ()
            identity = (sample.id.task_type, sample.id.key, sample.id.language, sample.intersection)
            told = (edit.status if edit else "", *cells, verdict.overall, " ".join(dict.fromkeys(flags)))
            lines.writerow((*named, entry.scored.scoring_id, entry.trust, *identity, *told))
    return text.getvalue()
