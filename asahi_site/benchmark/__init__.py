"""A whole Asahi of its own for `manage.py benchmark`: databases, a tenant, a mock provider, recorder and gateway."""
