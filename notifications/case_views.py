"""The case file of a push, as a page to print and as JSON; two pushes side by side."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications import push_page
from notifications.actions import needs
from notifications.bulk_forms import ticked
from notifications.case_file import case_of, in_words
from notifications.compare import compared
from notifications.way_back import way_back


@require_safe
@login_required
@needs("see")
def page(request: HttpRequest, pk) -> HttpResponse:
    """One page with timeline, verdict, evidence and next steps."""
    push = get_object_or_404(push_page.rows(), pk=pk)
    case = case_of(push, timezone.now())
    for moment in case["timeline"]:
        moment["at"] = datetime.fromisoformat(moment["at"])
    facts = in_words(push, case["push"])
    context = {"page": "pushes", "push": push, "case": case, "facts": facts}
    context["now"] = timezone.now()
    return render(request, "notifications/case.html", context)


@require_safe
@login_required
@needs("see")
def as_json(request: HttpRequest, pk) -> HttpResponse:
    """The same for a program or an attachment."""
    push = get_object_or_404(push_page.rows(), pk=pk)
    form = {"indent": 2, "ensure_ascii": False}
    answer = JsonResponse(case_of(push, timezone.now()), json_dumps_params=form)
    name = f"case-{str(push.pk)[:8]}.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_safe
@login_required
@needs("see")
def compare(request: HttpRequest) -> HttpResponse:
    """The two pushes an address names, question by question."""
    ids = ticked(request.GET)
    rows = push_page.rows().filter(pk__in=ids).prefetch_related("attempts")
    pushes = sorted(rows, key=lambda push: ids.index(push.pk))
    groups = compared(*pushes) if len(pushes) == 2 else []
    back, back_name = way_back(request.GET, "pushes", "")
    context = {
        "page": "pushes",
        "back": back,
        "back_name": back_name,
        "pushes": pushes,
        "both": groups,
        "differing": sum(row.differs for group in groups for row in group.rows),
    }
    return render(request, "notifications/compare.html", context)
