"""The ledger lets a request have one charge and one correction, whoever races to write them; rollups gain dimensions.

The index of 0002 allowed a `final` row beside an `estimate` of the same request. Two processes that could not see each
other's transaction would have charged twice.
"""

from __future__ import annotations

from django.db import migrations, models

TIGHTEN_LEDGER = """
ALTER TABLE analytics_ledgerentry ADD COLUMN task varchar(60) NOT NULL DEFAULT '';

ALTER TABLE analytics_ledgerentry DROP CONSTRAINT analytics_ledgerentry_request_id_kind_started_at_key;
CREATE UNIQUE INDEX ledgerentry_one_charge
    ON analytics_ledgerentry (request_id, started_at, (kind = 'correction'));

DROP TRIGGER ledger_is_append_only ON analytics_ledgerentry;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON analytics_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION analytics_ledger_is_append_only();
"""

LOOSEN_LEDGER = """
DROP TRIGGER ledger_is_append_only ON analytics_ledgerentry;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE ON analytics_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION analytics_ledger_is_append_only();

DROP INDEX ledgerentry_one_charge;
ALTER TABLE analytics_ledgerentry ADD UNIQUE (request_id, kind, started_at);

ALTER TABLE analytics_ledgerentry DROP COLUMN task;
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_partitioned_ledger")]

    operations = [
        migrations.RunSQL(TIGHTEN_LEDGER, LOOSEN_LEDGER),
        migrations.AddField("usagerollup", "provider", models.CharField(blank=True, max_length=60, default=""), False),
        migrations.AddField("usagerollup", "task", models.CharField(blank=True, max_length=60, default=""), False),
        migrations.AddField("usagerollup", "routing_mode", models.CharField(blank=True, max_length=12, default=""), False),
        migrations.RemoveConstraint("usagerollup", "one_rollup_per_bucket"),
        migrations.AddConstraint(
            "usagerollup",
            models.UniqueConstraint(
                fields=(
                    "org",
                    "grain",
                    "bucket_at",
                    "model",
                    "key_id",
                    "tag",
                    "tier",
                    "provider",
                    "task",
                    "routing_mode",
                ),
                name="one_rollup_per_bucket",
            ),
        ),
    ]
