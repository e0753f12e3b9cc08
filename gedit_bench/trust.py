"""How much of a row was made here: edits and judgement, the judgement alone, or neither."""

from typing import Literal

from gedit_bench.editing.folder import Folder
from gedit_bench.store.imported import MODEL as IMPORTED
from gedit_bench.store.manifest import JudgementManifest, RunManifest

Trust = Literal["run here", "re-judged", "reported"]
TRUSTS: tuple[Trust, ...] = ("run here", "re-judged", "reported")
"""Most trusted first."""

TRUST_WORDS: dict[Trust, str] = {
    "run here": "edited and judged with this tool, in this folder of results",
    "re-judged": "the images come from elsewhere and were judged here",
    "reported": "the judgement itself comes from elsewhere",
}

_READY_MADE = (Folder.name, IMPORTED)


def trust(run: RunManifest, judgement: JudgementManifest) -> Trust:
    """Return where a judgement's numbers come from, as far as the manifests say.

    A replay counts as reported: nobody was asked. What was copied into the folder of results by hand can't be
    told from what was made there.
    """
    if not judgement.made_here:
        return "reported"
    return "re-judged" if run.bundle or run.model in _READY_MADE else "run here"
