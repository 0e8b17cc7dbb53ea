from django.apps import AppConfig


class AsahiSiteConfig(AppConfig):
    name = "asahi_site"
