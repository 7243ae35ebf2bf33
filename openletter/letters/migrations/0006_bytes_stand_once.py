"""A letter's bytes stand once, in the letter; what a database need not find twice is not indexed.

`_like` indexes of references and Message-IDs go: nobody asks how they begin. lz4 halves a letter
at a tenth of the time of PostgreSQL's own way; a server built without it keeps its own.
"""

import django.db.models.deletion
from django.db import migrations, models

import openletter.words

FORGET = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE delivery SET raw = NULL WHERE purpose = 'letter';
SET CONSTRAINTS ALL DEFERRED
"""
GIVE_BACK = """
UPDATE delivery SET raw = coalesce(
    (SELECT letter.raw FROM letter WHERE letter.delivery_id = delivery.id), ''::bytea)
WHERE raw IS NULL
"""
LZ4 = """
DO $$ BEGIN
    ALTER TABLE letter ALTER COLUMN raw SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN NULL;
END $$
"""
OWN = "ALTER TABLE letter ALTER COLUMN raw SET COMPRESSION default"


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0008_closing_letters"),
        ("cases", "0005_judged_by"),
        ("letters", "0005_later_letters"),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="campaigns.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="message_id",
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="raw",
            field=models.BinaryField(
                help_text="an answer's bytes, CRLF; those of a letter stand in the letter only",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="campaigns.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="message_id",
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name="letter",
            name="reference",
            field=models.CharField(max_length=8),
        ),
        migrations.AlterField(
            model_name="lettercase",
            name="case",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cases.case",
            ),
        ),
        migrations.AlterField(
            model_name="lettercase",
            name="letter",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="letters.letter",
            ),
        ),
        migrations.AlterField(
            model_name="lettercase",
            name="wave",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="campaigns.wave",
            ),
        ),
        migrations.AlterField(
            model_name="mailtoken",
            name="letter",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to="letters.letter",
            ),
        ),
        migrations.RunSQL(FORGET, GIVE_BACK),
        migrations.RunSQL(LZ4, OWN),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("purpose", "letter"), ("raw", None)),
                    models.Q(("purpose", "answer"), ("raw__isnull", False)),
                    _connector="OR",
                ),
                name="bytes_stand_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("message_id",), name="delivery_message_id"),
        ),
        migrations.AddConstraint(
            model_name="letter",
            constraint=models.UniqueConstraint(fields=("reference",), name="letter_reference"),
        ),
        migrations.AddConstraint(
            model_name="letter",
            constraint=models.UniqueConstraint(fields=("message_id",), name="letter_message_id"),
        ),
        migrations.RemoveIndex(model_name="delivery", name="to_leave"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            openletter.words.DeliveryState["CLEARED"],
                            openletter.words.DeliveryState["DEFERRED"],
                        ],
                    )
                ),
                fields=["campaign", "purpose", "id"],
                name="to_leave",
            ),
        ),
    ]
