"""The files beside the page: the board for programs, papers and spreadsheets."""

from collections.abc import Mapping
from types import MappingProxyType

from gedit_bench.report.beside import Beside
from gedit_bench.report.board import Board
from gedit_bench.report.board_json import board_json, board_json_text
from gedit_bench.report.claim import claims_markdown
from gedit_bench.report.latex import board_latex
from gedit_bench.report.sample_scores import scores_csv
from gedit_bench.report.tables import board_csv, board_markdown


def table_files(
    board: Board,
    *,
    title: str,
    created: str,
    warnings: Mapping[str, list[str]],
    published: Mapping[str, Beside] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the text of each file by its name.

    Args:
        board: what is written down.
        title: its title.
        created: when it was made, ISO 8601.
        warnings: sentences by kind.
        published: what stands beside each table, by the table's id.
    """
    as_json = board_json(board, title=title, created=created, warnings=warnings, published=published)
    return {
        "leaderboard.csv": board_csv(board),
        "leaderboard.json": board_json_text(as_json),
        "leaderboard.md": board_markdown(board, title=title, created=created, published=published),
        "leaderboard.tex": board_latex(board, created=created),
        "scores.csv": scores_csv(board),
        "claims.md": claims_markdown(board),
    }
