"""The caches' part of the management API."""
