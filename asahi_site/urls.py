"""Pages and management routes, served by Django's full handler. The hot path's routes are in `gateway_urls`."""

from __future__ import annotations

from allauth.account import views as account
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from analytics import cache_page, dashboard, onboarding
from analytics import rest as analytics_rest
from asahi_site import api_errors, api_pages, pages
from asahi_site.api import api
from caching.rest import purging
from governance import pages as organization
from governance import provider_pages
from governance.rest import erasure, provider_keys

public: list[URLPattern | URLResolver] = [
    path("", pages.landing, name="landing"),
    path("favicon.ico", pages.favicon),
    path("pricing", pages.pricing, name="pricing"),
    path("guides/", pages.guide_index, name="guides"),
    path("guides/<slug:slug>", pages.guide, name="guide"),
    path("api-docs", pages.api_docs, name="api-docs"),
    path("docs", api_pages.swagger, name="swagger"),
    path("redoc", api_pages.redoc, name="redoc"),
]

# allauth owns these flows; the short addresses are the ones people see and type.
entrance: list[URLPattern | URLResolver] = [
    path("signup", account.signup, name="signup"),
    path("login", account.login, name="login"),
    path("logout", account.logout, name="logout"),
    path("accounts/", include("allauth.urls")),
]

product: list[URLPattern | URLResolver] = [
    path("getting-started", onboarding.getting_started, name="getting-started"),
    path("getting-started/first-request", onboarding.first_request, name="first-request"),
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("dashboard/figures", dashboard.dashboard_figures, name="dashboard-figures"),
    path("cache", cache_page.cache, name="cache"),
    path("cache/figures", cache_page.cache_figures, name="cache-figures"),
    path("cache/settings", cache_page.change_settings, name="cache-settings"),
    path("cache/forget", cache_page.forget, name="cache-forget"),
    path("cache/requests/<str:request_id>", cache_page.cache_request, name="cache-request"),
    path("cache/requests/<str:request_id>/feedback", cache_page.say, name="cache-feedback"),
    path("governance", organization.keys, name="governance"),
    path("governance/keys/<uuid:key_id>/revoke", organization.revoke, name="revoke-key"),
    path("governance/providers/add", provider_pages.add, name="add-provider-key"),
    path("governance/providers/<uuid:key_id>/remove", provider_pages.remove, name="remove-provider-key"),
    path("settings", organization.settings, name="settings"),
    path("settings/switch", organization.switch, name="switch-organization"),
    path("profile", organization.profile, name="profile"),
]

management: list[URLPattern | URLResolver] = [
    path("governance/provider-keys", provider_keys.ProviderKeyList.as_view()),
    path("governance/provider-keys/<uuid:key_id>", provider_keys.ProviderKeyDetail.as_view()),
    path("cache/purge", purging.Purge.as_view()),
    path("cache/feedback", analytics_rest.GiveFeedback.as_view()),
    path("cache/erase-user", erasure.EraseUser.as_view()),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *public,
    *entrance,
    *product,
    *management,
    path("admin/", admin.site.urls),
    path("", api.urls),
    re_path(r"^(?:analytics|billing|cache|governance)/(?P<rest>.*)$", api_errors.missing),
]
