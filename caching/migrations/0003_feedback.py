"""What organizations say of the answers they got out of a cache."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("caching", "0002_calibration"),
        ("governance", "0003_semantic_cache_policy"),
    ]

    operations = [
        migrations.CreateModel(
            name="CacheFeedback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request_id", models.UUIDField()),
                ("tier", models.PositiveSmallIntegerField()),
                ("wrong", models.BooleanField()),
                ("comment", models.CharField(blank=True, max_length=500)),
                ("entry", models.CharField(blank=True, max_length=60)),
                ("task", models.CharField(blank=True, max_length=40)),
                ("embedder", models.CharField(blank=True, max_length=100)),
                ("certainty", models.FloatField(null=True)),
                ("end_user", models.BinaryField(default=b"")),
                ("given_at", models.DateTimeField(auto_now=True)),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="governance.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["org", "given_at"], name="cache_feedback_by_time")],
                "constraints": [models.UniqueConstraint(fields=("org", "request_id"), name="one_feedback_per_request")],
            },
        ),
    ]
