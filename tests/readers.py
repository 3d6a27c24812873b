"""What a reader of a page sees and hears: its texts, without what is data."""

from __future__ import annotations

from html.parser import HTMLParser

#: Written as it is in every language: code, keys, what was typed or read.
QUIET_TAGS = frozenset({"code", "kbd", "pre", "script", "style", "textarea"})
QUIET_CLASSES = frozenset({"aor", "pd-mono", "pd-token", "sch"})
VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]
)
HEARD = ("aria-label", "title", "placeholder", "alt", "label")


class Reader(HTMLParser):
    """Collects texts and spoken attributes; what names its own language is data."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        classes = set((said.get("class") or "").split())
        quiet = tag in QUIET_TAGS or bool(classes & QUIET_CLASSES)
        quiet = quiet or (tag != "html" and "lang" in said)
        quiet = quiet or said.get("translate") == "no"
        if not quiet:
            self._keep(*(said.get(name) or "" for name in HEARD))
        if tag not in VOID:
            self._open.append((tag, quiet))

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        """An element of a drawing that holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def _keep(self, *texts: str) -> None:
        if not any(quiet for _, quiet in self._open):
            self.texts += [" ".join(text.split()) for text in texts if text.strip()]


def texts_of(html: str) -> list[str]:
    """The texts of a page, in its order."""
    reader = Reader()
    reader.feed(html)
    return reader.texts
