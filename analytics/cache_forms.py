"""The forms of the cache page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from caching.purging import Kind

_KINDS = [
    (Kind.TAG.value, "with the tag"),
    (Kind.USER.value, "of the end user"),
    (Kind.MODEL.value, "by the model"),
    (Kind.KEY.value, "asked for with the API key (its id)"),
    (Kind.DOCUMENT.value, "about the document"),
    (Kind.ENTRY.value, "that receipts call"),
    (Kind.EVERYTHING.value, "of the whole organization"),
]


class SemanticCacheForm(forms.Form):
    """Whether questions are answered by meaning, and how often such an answer may be wrong."""

    enabled = forms.BooleanField(label="Answer questions by their meaning (T2 and T3)", required=False)
    target = forms.DecimalField(
        label="Target: the share of requests that may be answered wrongly, in per cent",
        min_value=Decimal("0.01"),
        max_value=Decimal(20),
        decimal_places=2,
        help_text="The certainty that an answer takes is set by itself, so that this is kept. 1 unless you choose.",
    )

    @property
    def changes(self) -> dict[str, Any]:
        """As the policy has them."""
        given = self.cleaned_data
        return {"semantic_cache_enabled": given["enabled"], "semantic_error_target": given["target"] / 100}


class ForgetForm(forms.Form):
    """Which cached answers go. There is no way back, so that it is confirmed in the form itself."""

    kind = forms.ChoiceField(label="Forget the answers", choices=_KINDS)
    name = forms.CharField(
        label="Name",
        max_length=300,
        required=False,
        help_text="The tag, end user, model, key id or document. Nothing for the whole organization.",
    )
    sure = forms.BooleanField(label="I am sure: they will be paid for anew")
