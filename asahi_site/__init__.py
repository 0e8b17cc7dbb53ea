"""Asahi's site: settings, wiring of the stages, HTTP."""

VERSION = "0.1.0"
