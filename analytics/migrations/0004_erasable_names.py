"""An end user can be erased from the ledger: their name may become empty, while every other column stays as it was."""

from __future__ import annotations

from django.db import migrations

ALLOW = """
CREATE OR REPLACE FUNCTION analytics_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.end_user = '' AND to_jsonb(NEW) - 'end_user' = to_jsonb(OLD) - 'end_user' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the usage ledger is append-only: write a correction instead';
END
$$;
"""

FORBID = """
CREATE OR REPLACE FUNCTION analytics_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the usage ledger is append-only: write a correction instead';
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_one_charge_per_request")]

    operations = [migrations.RunSQL(ALLOW, FORBID)]
