"""Files and batches. Packed contents are kept as they are: compressing them again would only cost time."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import inference.models.batches
import inference.models.files
from django.db import migrations, models


AS_THEY_ARE = """
ALTER TABLE inference_filechunk ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE inference_batchresult ALTER COLUMN content SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('governance', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Batch',
            fields=[
                ('id', models.CharField(default=inference.models.batches.new_batch_id, editable=False, max_length=50, primary_key=True, serialize=False)),
                ('key_id', models.UUIDField()),
                ('api', models.CharField(choices=[('openai', 'Openai'), ('anthropic', 'Anthropic')], default='openai', max_length=10)),
                ('endpoint', models.CharField(max_length=40)),
                ('completion_window', models.CharField(default='24h', max_length=10)),
                ('steering', models.JSONField(default=dict)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), default=list, size=None)),
                ('metadata', models.JSONField(null=True)),
                ('output_expires_after', models.PositiveIntegerField(help_text='Seconds, from when a result file is made', null=True)),
                ('status', models.CharField(choices=[('validating', 'Validating'), ('failed', 'Failed'), ('in_progress', 'In Progress'), ('finalizing', 'Finalizing'), ('completed', 'Completed'), ('expired', 'Expired'), ('cancelling', 'Cancelling'), ('cancelled', 'Cancelled')], default='validating', max_length=12)),
                ('errors', models.JSONField(default=list)),
                ('model', models.CharField(blank=True, help_text='The model that all lines name, if they name one', max_length=200)),
                ('total', models.PositiveIntegerField(default=0)),
                ('completed', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('input_tokens', models.BigIntegerField(default=0)),
                ('cached_input_tokens', models.BigIntegerField(default=0)),
                ('output_tokens', models.BigIntegerField(default=0)),
                ('reasoning_tokens', models.BigIntegerField(default=0)),
                ('input_file_name', models.CharField(help_text='Its id, which outlives it', max_length=50)),
                ('output_file_name', models.CharField(blank=True, max_length=50)),
                ('error_file_name', models.CharField(blank=True, max_length=50)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('in_progress_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('finalizing_at', models.DateTimeField(null=True)),
                ('completed_at', models.DateTimeField(null=True)),
                ('failed_at', models.DateTimeField(null=True)),
                ('expired_at', models.DateTimeField(null=True)),
                ('cancelling_at', models.DateTimeField(null=True)),
                ('cancelled_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now, help_text='Empty when nothing is left to do', null=True)),
                ('claim', models.UUIDField(null=True)),
                ('claimed_until', models.DateTimeField(null=True)),
                ('setbacks', models.PositiveSmallIntegerField(default=0, help_text='How often in a row advancing it has failed')),
                ('last_error', models.CharField(blank=True, max_length=300)),
                ('org', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.organization')),
            ],
            options={
                'verbose_name_plural': 'batches',
            },
        ),
        migrations.CreateModel(
            name='ProviderBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=60)),
                ('model', models.CharField(max_length=200)),
                ('wire', models.CharField(help_text='What is spoken with the provider', max_length=20)),
                ('marker', models.CharField(default=inference.models.batches.new_marker, max_length=50, unique=True)),
                ('upstream_id', models.CharField(blank=True, max_length=200)),
                ('state', models.CharField(choices=[('intended', 'Intended'), ('submitted', 'Submitted'), ('ended', 'Ended'), ('abandoned', 'Abandoned')], default='intended', max_length=10)),
                ('lines', models.PositiveIntegerField()),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='How often handing it over was tried')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('submitted_at', models.DateTimeField(null=True)),
                ('cancel_asked_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('last_error', models.CharField(blank=True, max_length=300)),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='provider_batches', to='inference.batch')),
                ('org', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.organization')),
            ],
            options={
                'verbose_name_plural': 'provider batches',
            },
        ),
        migrations.CreateModel(
            name='BatchItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.PositiveIntegerField()),
                ('custom_id', models.CharField(max_length=512)),
                ('offset', models.BigIntegerField()),
                ('length', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('submitted', 'Submitted'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('expired', 'Expired')], default='waiting', max_length=10)),
                ('request_id', models.UUIDField(null=True)),
                ('live_only', models.BooleanField(default=False, help_text="A provider's batch came to nothing for it")),
                ('plan', models.JSONField(null=True)),
                ('status', models.PositiveSmallIntegerField(help_text='Of the answer, as a live call would have had it', null=True)),
                ('held_nano', models.BigIntegerField(default=0, help_text='What is reserved for it while a provider has it')),
                ('batch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='inference.batch')),
                ('org', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.organization')),
                ('provider_batch', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='items', to='inference.providerbatch')),
            ],
        ),
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.CharField(default=inference.models.files.new_file_id, editable=False, max_length=50, primary_key=True, serialize=False)),
                ('key_id', models.UUIDField(help_text='Who put it here; empty when Asahi did', null=True)),
                ('purpose', models.CharField(choices=[('assistants', 'Assistants'), ('batch', 'Batch'), ('batch_output', 'Batch Output'), ('fine-tune', 'Fine Tune'), ('vision', 'Vision'), ('user_data', 'User Data'), ('evals', 'Evals')], max_length=20)),
                ('filename', models.CharField(max_length=255)),
                ('bytes', models.BigIntegerField()),
                ('status', models.CharField(choices=[('uploaded', 'Uploaded'), ('processed', 'Processed'), ('error', 'Error')], default='processed', max_length=10)),
                ('hidden', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('org', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.organization')),
            ],
        ),
        migrations.CreateModel(
            name='FileChunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('content', models.BinaryField()),
                ('org', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.organization')),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='inference.storedfile')),
            ],
        ),
        migrations.AddField(
            model_name='batch',
            name='input_file',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='batches', to='inference.storedfile'),
        ),
        migrations.CreateModel(
            name='BatchResult',
            fields=[
                ('item', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='result', serialize=False, to='inference.batchitem')),
                ('content', models.BinaryField()),
                ('org', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.organization')),
            ],
        ),
        migrations.AddIndex(
            model_name='batchitem',
            index=models.Index(fields=['batch', 'state', 'line'], name='batchitem_next'),
        ),
        migrations.AddConstraint(
            model_name='batchitem',
            constraint=models.UniqueConstraint(fields=('batch', 'line'), name='one_item_per_line'),
        ),
        migrations.AddConstraint(
            model_name='batchitem',
            constraint=models.UniqueConstraint(fields=('batch', 'custom_id'), name='one_item_per_custom_id'),
        ),
        migrations.AddIndex(
            model_name='storedfile',
            index=models.Index(fields=['org', '-id'], name='storedfile_org'),
        ),
        migrations.AddIndex(
            model_name='storedfile',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='storedfile_expiring'),
        ),
        migrations.AddConstraint(
            model_name='filechunk',
            constraint=models.UniqueConstraint(fields=('file', 'number'), name='one_chunk_per_place'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(fields=['org', '-id'], name='batch_org'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='batch_due'),
        ),
        migrations.RunSQL(AS_THEY_ARE, migrations.RunSQL.noop),
    ]
