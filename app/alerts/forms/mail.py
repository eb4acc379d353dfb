"""E-mail: plain text. The subject is the notice's title."""

from __future__ import annotations

from app import clock
from app.alerts import words
from app.alerts.notices import NoticeKind
from app.alerts.telling import Notice, Told
from app.delivery.mail import one_line


def text_of(notice: Notice) -> str:
    """The text of the mail."""
    if len(notice.alerts) != 1 or notice.kind is NoticeKind.DIGEST:
        said = [f"{one_line(words.title(notice))}.", "", *words.lines(notice)]
        return "\n".join([*said, *(["", notice.page] if notice.page else []), ""])
    (told,) = notice.alerts
    is_over = notice.kind is NoticeKind.ENDED
    lines = [
        f"{one_line(words.title(notice))}, since {clock.to_rfc3339(_time(told, is_over))}.",
        "",
        *(f"{f'{name}:':<11}{value}" for name, value in words.facts(told) if name != "Since" or is_over),
        *([f"Last run:  {told.link}"] if told.link else []),
        *([] if is_over else _errors(told)),
        *("", words.again(told), ""),
    ]
    return "\n".join(lines)


def _time(told: Told, is_over: bool) -> int:
    return told.ended_at if is_over and told.ended_at is not None else told.since


def _errors(told: Told) -> list[str]:
    if not told.failures:
        return []
    return ["", "First error:", "", str(told.first_error), "", "Last error:", "", str(told.last_error)]
