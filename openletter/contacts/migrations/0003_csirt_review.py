import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_initial"),
        ("contacts", "0002_look_up"),
    ]

    operations = [
        migrations.CreateModel(
            name="CsirtReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("country", models.CharField(max_length=2)),
                (
                    "digest",
                    models.BinaryField(help_text="of the entry that was signed", max_length=32),
                ),
                ("team", models.JSONField(help_text="the entry as it was signed")),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.CharField(blank=True, max_length=150)),
                (
                    "exercise",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="campaigns.campaign",
                    ),
                ),
            ],
            options={
                "db_table": "csirt_review",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)),
                        fields=("country", "exercise"),
                        name="csirt_review_current",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
