"""What others published, beside the board's tables: as JSON and as Markdown."""

from gedit_bench.records import Json
from gedit_bench.report import words
from gedit_bench.report.beside import Beside, PublishedRow
from gedit_bench.report.markup import markdown


def beside_json(around: Beside | None) -> dict[str, Json]:
    """Return a table's fields `published`, `published_left_out` and `no_published_because`."""
    return {
        "published": [_row_json(row) for row in around.rows] if around else [],
        "published_left_out": dict(around.left_out) if around else {},
        "no_published_because": around.why or None if around else None,
    }


def beside_markdown(around: Beside) -> list[str]:
    """Return the paragraphs that stand below a table."""
    if around.why:
        return [markdown(around.why)]
    left_out = f" Left out: {around.left_out_words}." if around.left_out else ""
    head = f"Published elsewhere with {around.judges} as judge, for orientation; not measured here.{left_out}"
    return [markdown(head), "\n".join(_line(row) for row in around.rows)]


def _row_json(row: PublishedRow) -> dict[str, Json]:
    shared = {"model", "language", "subset", "family"}  # the row and its table say them
    sources = [{name: value for name, value in one.to_json().items() if name not in shared} for one in row.results]
    ends = {"overall_low": row.values[0], "overall_high": row.values[-1]}
    return {"model": row.model, **ends, "remarks": row.remarks, "sources": sources}


def _line(row: PublishedRow) -> str:
    told = []
    for one in row.results:
        by = markdown(one.source.reported_by)
        link = f"[{by}](<{one.source.address}>)" if one.source.address else by
        told.append(f"{words.two(one.overall)} by {link}, {markdown(one.source.date)}")
    remarks = f" ({markdown('; '.join(row.remarks))})" if row.remarks else ""
    return f"- *{markdown(row.model)}*: O {row.range_of('overall')}{remarks}: {'; '.join(told)}"
