"""Small pieces of HTML: escaped text, tables, figures as data, one style sheet."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

from matplotlib.figure import Figure

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6672; --line: #d8dee6; --page: #fbfcfd; --card: #fff; --good: #13795b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf0; --soft: #98a5b3; --line: #2e3742; --page: #12161b; --card: #1a2027; --good: #4cc79b; --bad: #ff8a80; } }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--page); max-width: 1180px; margin: 0 auto; padding: 24px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 8px; border-bottom: 1px solid var(--line); padding-bottom: 4px; } h3 { font-size: 15px; margin: 18px 0 6px; }
p.lead, figcaption, td.note { color: var(--soft); } figure { margin: 12px 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px; }
figure img { width: 100%; height: auto; border-radius: 4px; } figcaption { font-size: 13px; margin-top: 6px; }
table { border-collapse: collapse; font-size: 13.5px; width: 100%; background: var(--card); } th, td { text-align: left; padding: 4px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } code { font-size: 12px; word-break: break-all; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; } .wide { overflow-x: auto; } nav a { margin-right: 14px; }
details { margin: 8px 0; } summary { cursor: pointer; color: var(--soft); }
"""


def page(title: str, body: str) -> str:
    """A whole self-contained page."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f"<!doctype html><html lang=en><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>\n"


def figure(drawing: Figure, caption: str, dpi: int = 110) -> str:
    """A drawing as an inline PNG with a caption (plain text)."""
    stream = io.BytesIO()
    drawing.savefig(stream, format="png", dpi=dpi, facecolor=drawing.get_facecolor(), metadata={"Software": None})
    data = base64.b64encode(stream.getvalue()).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


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
