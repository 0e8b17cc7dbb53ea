"""The usage ledger, to be read. It is append-only: neither the database nor this page lets a row be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from analytics.models import LedgerEntry
from analytics.money import usd_text


@admin.register(LedgerEntry)
class LedgerEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    list_display = ["started_at", "org", "model", "tier", "kind", "outcome", "cost", "original_cost", "latency_ms"]
    list_select_related = ["org"]
    list_filter = ["kind", "tier", "outcome"]
    search_fields = ["=request_id"]
    search_help_text = "A request id as a UUID"
    date_hierarchy = None  # it would count every row of the ledger
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-started_at"]

    @admin.display(description="Cost")
    def cost(self, entry: LedgerEntry) -> str:
        return usd_text(entry.cost_nano)

    @admin.display(description="Original cost")
    def original_cost(self, entry: LedgerEntry) -> str:
        return usd_text(entry.original_cost_nano)

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        del request, obj
        return False
