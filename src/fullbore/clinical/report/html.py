"""Small pieces of HTML: escaped text, tables, figures as data, one style sheet."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

from matplotlib.figure import Figure


def page(title: str, body: str) -> str:
    """A whole self-contained page."""
    style = (resources.files("fullbore.clinical.report") / "style.css").read_text(encoding="utf-8")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f"<!doctype html><html lang=en><head>{head}<style>{style}</style></head><body>{body}</body></html>\n"


def figure(drawing: Figure, caption: str) -> str:
    """A drawing as an inline PNG with a caption (plain text)."""
    stream = io.BytesIO()
    drawing.savefig(stream, format="png", facecolor=drawing.get_facecolor(), metadata={"Software": None})
    data = base64.b64encode(stream.getvalue()).decode()
    picture = f'<img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are right-aligned, strings escaped, `Markup` passed through."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def verdict_word(good: bool, yes: str = "within", no: str = "over") -> Markup:
    """A coloured word."""
    return Markup(f'<span class="{"good" if good else "bad"}">{yes if good else no}</span>')


def _cell(value: object) -> str:
    if isinstance(value, Markup):
        return f"<td>{value}</td>"
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    return f"<td>{escape(str(value))}</td>"
